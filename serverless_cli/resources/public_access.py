"""What passes once a bucket was made public: refusals that last until S3 knows everywhere what was just said to it.

AWS facts (S3 user guide, troubleshooting of Access Denied; aws-semantics 5):
- For seconds after Block Public Access was loosened, a public ACL is still refused: with a bare `Access Denied`, or
  with the caller's name and `... are blocked by the BlockPublicAcls block public access setting`. A denial by IAM names
  the caller as well, and a policy as its reason.
- Just after ACLs were enabled, they may still be answered with AccessControlListNotSupported.
"""

from __future__ import annotations

from serverless_cli.aws.calls import Passing

FRESH = (Passing("NoSuchBucket"),)
"""a bucket that was made a moment ago"""

SETTLING = (
    *FRESH,
    Passing("AccessDenied", "access denied", 60.0),
    Passing("AccessDenied", "block public access", 60.0),
    Passing("AccessControlListNotSupported", "", 60.0),
)
"""a bucket that was made public a moment ago, and whatever is put into it for everybody"""
