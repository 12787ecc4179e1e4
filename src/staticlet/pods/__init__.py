"""The domain: what is wanted, what runs, and the steps from one to the other."""
