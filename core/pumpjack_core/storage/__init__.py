"""The database: levels, migrations, roles, the write path and the upkeep."""
