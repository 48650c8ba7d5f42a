"""Remembers: tables, transactions and queries; imports policies and nothing above it."""
