#!/bin/sh
# Runs once, on an empty database server: the owner, who migrates, and the application, which cannot
# change tables and is held by row-level security. Neither is a superuser.
set -eu

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner_password="$DEXRA_OWNER_PASSWORD" --set app_password="$DEXRA_APP_PASSWORD" <<'SQL'
CREATE ROLE dexra_owner LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE dexra_app LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'app_password';
GRANT dexra_app TO dexra_owner;
CREATE DATABASE dexra OWNER dexra_owner;
\connect dexra
CREATE EXTENSION IF NOT EXISTS vector;
SQL
