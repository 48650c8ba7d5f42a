"""The performance goals, measured: every figure is a ratio to a floor taken in the same run (docs/performance.md)."""
