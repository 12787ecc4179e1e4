"""Objects as `kubectl describe` lays them out: plain objects to text, nothing asked, nothing read.

It prints rows of cells (`rows.Rows`), which `tabbed` aligns as kubectl does.
"""
