"""How the project speaks to MongoDB: connection, embedded server, errors, schema installation, operations, clock."""
