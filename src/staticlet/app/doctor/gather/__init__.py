"""The shell of the doctor: looks at this machine, each look with a deadline, changing nothing."""
