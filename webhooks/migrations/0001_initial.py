"""Endpoints, their secrets and health, deliveries, replays; bodies and attempts in Django's eyes only."""

import core.crypto
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0003_sealed_answers'),
        ('inboxes', '0002_wall'),
    ]

    operations = [
        migrations.CreateModel(
            name='Endpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.TextField()),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, help_text='Empty: all of them.', size=None)),
                ('description', models.CharField(blank=True, default='', max_length=255)),
                ('dialect', models.CharField(choices=[('dexra', 'Dexra'), ('chatwoot', 'Chatwoot')], default='dexra', max_length=10)),
                ('signature', models.CharField(choices=[('v1', 'HMAC-SHA256'), ('v1a', 'Ed25519')], default='v1', max_length=3)),
                ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('disabled', 'Disabled')], default='active', max_length=10)),
                ('disabled_reason', models.CharField(blank=True, choices=[('manual', 'Switched off by hand'), ('gone', 'It answered 410'), ('failing', 'It failed for days')], default='', max_length=10)),
                ('custom_headers', core.crypto.EncryptedJSONField(blank=True, default=dict)),
                ('max_in_flight', models.PositiveSmallIntegerField(default=10)),
                ('rate_per_second', models.FloatField(blank=True, null=True)),
                ('captures', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('deleted_at', models.DateTimeField(blank=True, null=True)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.environment')),
                ('inbox', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inboxes.inbox')),
            ],
            options={
                'verbose_name': 'webhook endpoint',
            },
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('event_id', models.BigIntegerField()),
                ('event_at', models.DateTimeField()),
                ('type', models.CharField(max_length=60)),
                ('conversation_id', models.BigIntegerField(null=True)),
                ('livemode', models.BooleanField()),
                ('rehearsal', models.CharField(blank=True, choices=[('duplicate', 'Duplicate'), ('reorder', 'Reorder'), ('delay', 'Delay'), ('bad_signature', 'Bad Signature'), ('stale_timestamp', 'Stale Timestamp')], default='', max_length=20)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('delivering', 'Delivering'), ('delivered', 'Delivered'), ('exhausted', 'Exhausted'), ('canceled', 'Canceled'), ('quarantined', 'Quarantined')], default='pending', max_length=12)),
                ('trigger', models.CharField(choices=[('auto', 'Schedule'), ('manual', 'Resent'), ('recover', 'Recovered'), ('replay', 'Replayed'), ('test', 'Test event'), ('rehearsal', 'Sandbox rehearsal')], default='auto', max_length=10)),
                ('next_attempt_at', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('claims', models.PositiveSmallIntegerField(default=0)),
                ('lease_token', models.UUIDField(blank=True, null=True)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('extra', models.PositiveSmallIntegerField(default=0)),
                ('returns_to', models.CharField(blank=True, choices=[('pending', 'Pending'), ('delivering', 'Delivering'), ('delivered', 'Delivered'), ('exhausted', 'Exhausted'), ('canceled', 'Canceled'), ('quarantined', 'Quarantined')], default='', max_length=12)),
                ('returns_at', models.DateTimeField(blank=True, null=True)),
                ('last_status', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('last_error', models.CharField(blank=True, default='', max_length=40)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.environment')),
                ('endpoint', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='webhooks.endpoint')),
            ],
            options={
                'verbose_name': 'webhook delivery',
                'verbose_name_plural': 'webhook deliveries',
            },
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Replay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('recover', 'What failed'), ('replay', 'All of it')], max_length=10)),
                ('state', models.CharField(choices=[('running', 'Running'), ('done', 'Done'), ('canceled', 'Canceled')], default='running', max_length=10)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('cursor', models.BigIntegerField(default=0)),
                ('queued', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('endpoint', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='webhooks.endpoint')),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.environment')),
            ],
            options={
                'verbose_name': 'webhook replay',
            },
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Secret',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret', core.crypto.EncryptedTextField(editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('endpoint', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to='webhooks.endpoint')),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.environment')),
            ],
            options={
                'verbose_name': 'webhook secret',
            },
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Health',
            fields=[
                ('endpoint', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='health', serialize=False, to='webhooks.endpoint')),
                ('next_due_at', models.DateTimeField(blank=True, null=True)),
                ('hold_until', models.DateTimeField(blank=True, null=True)),
                ('in_flight_cap', models.PositiveSmallIntegerField(default=10)),
                ('successes_at_cap', models.PositiveSmallIntegerField(default=0)),
                ('tokens', models.FloatField(default=0)),
                ('tokens_at', models.DateTimeField(blank=True, null=True)),
                ('consecutive_failures', models.PositiveIntegerField(default=0)),
                ('failing_since', models.DateTimeField(blank=True, null=True)),
                ('last_failure_at', models.DateTimeField(blank=True, null=True)),
                ('last_success_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.CharField(blank=True, default='', max_length=40)),
                ('told_stage', models.PositiveSmallIntegerField(default=0)),
                ('told_exhausted_at', models.DateTimeField(blank=True, null=True)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.environment')),
            ],
            options={
                'verbose_name_plural': 'health',
            },
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddIndex(
            model_name='endpoint',
            index=models.Index(fields=['environment', 'id'], name='webhooks_endpoints'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['endpoint', 'next_attempt_at'], name='webhooks_pending'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state', 'delivering')), fields=['endpoint', 'lease_until'], name='webhooks_leased'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['environment', 'id'], name='webhooks_deliveries'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['endpoint', 'id'], name='webhooks_of_endpoint'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(condition=models.Q(('rehearsal', '')), fields=('event_id', 'endpoint'), name='one_delivery_of_an_event'),
        ),
        migrations.AddIndex(
            model_name='replay',
            index=models.Index(condition=models.Q(('state', 'running')), fields=['state'], name='webhooks_replays'),
        ),
        migrations.AddIndex(
            model_name='health',
            index=models.Index(condition=models.Q(('next_due_at__isnull', False)), fields=['next_due_at'], name='webhooks_due'),
        ),
        # Partitioned by day, which Django cannot make: 0002 does.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='Body',
                    fields=[
                        ('id', models.BigAutoField(primary_key=True, serialize=False)),
                        ('event_id', models.BigIntegerField()),
                        ('event_at', models.DateTimeField()),
                        ('dialect', models.CharField(choices=[('dexra', 'Dexra'), ('chatwoot', 'Chatwoot')], max_length=10)),
                        ('type', models.CharField(max_length=60)),
                        ('conversation_id', models.BigIntegerField(null=True)),
                        ('contact_id', models.BigIntegerField(null=True)),
                        ('sequence', models.BigIntegerField(null=True)),
                        ('content', models.BinaryField()),
                        ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.environment')),
                    ],
                    options={
                        'verbose_name_plural': 'bodies',
                        'db_table': 'webhooks_body',
                    },
                    managers=[
                        ('unscoped', django.db.models.manager.Manager()),
                    ],
                ),
                migrations.CreateModel(
                    name='Attempt',
                    fields=[
                        ('id', models.BigAutoField(primary_key=True, serialize=False)),
                        ('delivery_id', models.BigIntegerField()),
                        ('endpoint_id', models.BigIntegerField()),
                        ('event_id', models.BigIntegerField()),
                        ('n', models.PositiveSmallIntegerField()),
                        ('trigger', models.CharField(choices=[('auto', 'Schedule'), ('manual', 'Resent'), ('recover', 'Recovered'), ('replay', 'Replayed'), ('test', 'Test event'), ('rehearsal', 'Sandbox rehearsal')], max_length=10)),
                        ('sent_at', models.DateTimeField()),
                        ('duration_ms', models.PositiveIntegerField()),
                        ('url', models.TextField()),
                        ('status_code', models.PositiveSmallIntegerField(null=True)),
                        ('error_class', models.CharField(blank=True, default='', max_length=40)),
                        ('remote_ip', models.CharField(blank=True, default='', max_length=45)),
                        ('request_headers', models.JSONField(default=dict)),
                        ('response_headers', models.JSONField(default=dict)),
                        ('response_body', models.TextField(blank=True, default='')),
                        ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.environment')),
                    ],
                    options={
                        'verbose_name': 'webhook attempt',
                        'db_table': 'webhooks_attempt',
                    },
                    managers=[
                        ('unscoped', django.db.models.manager.Manager()),
                    ],
                ),
            ],
        ),
    ]
