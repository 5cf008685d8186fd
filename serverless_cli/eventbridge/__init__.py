"""EventBridge's own small languages, checked without any call: event patterns, schedules, input templates. Pure.

`pattern.check`, `schedule.check` and `template.check` give findings, each with its path in the value.
"""
