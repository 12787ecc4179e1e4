"""Where objects live: SQLite for what must last, memory for every read."""
