"""slx: provisions serverless AWS stacks from YAML blueprints with direct boto3 calls."""

__version__ = "0.1.0"
