"""Definitions of real tools, tried on the product: `python -m tests.tools PATH [--values N] [--database sqlite]`.

Each becomes an action that loads, or a line that says why not; values that fit it go from the request over card, edit form and
approval to the claim, and come back to the byte.
"""
