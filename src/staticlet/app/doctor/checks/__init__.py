"""The checks: pure functions from facts to a verdict, a module for each matter."""
