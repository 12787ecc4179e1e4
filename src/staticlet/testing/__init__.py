"""Verified fakes and builders for tests. Nothing shipped imports them."""
