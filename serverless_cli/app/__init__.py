"""The commands as functions: each composes reading, planning, executing and state. No Click, no rich."""
