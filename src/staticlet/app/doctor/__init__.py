"""`staticlet doctor`: facts are gathered, pure checks judge them, a report says what to do."""
