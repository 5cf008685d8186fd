"""The emulator's process: ministack, hosted and completed. Nothing outside this package imports it."""
