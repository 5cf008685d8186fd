"""The command line: Click, one short file per command; it composes `app` and `ui`. Only this package imports click."""
