"""
Plans that hold, for engines.

PostgreSQL keeps the plan of a statement that is said again and again. If it was made while a table was nearly empty,
every further statement reads all of that table, until statistics are gathered anew: an engine that was quick on the
first day stands still in the first campaign. What an engine says touches a few rows by their keys. So that is how it
is planned, however small a table looks.
"""

BY_KEYS = """
SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
       set_config('enable_mergejoin', 'off', false)
"""
