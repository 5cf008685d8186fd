"""The blueprint language: a YAML file in, a checked `model.Stack` out, or all that is wrong with it at once."""
