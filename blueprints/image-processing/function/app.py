"""Makes a thumbnail of each photo that is uploaded, and writes down what the photo is like.

S3 may tell of an upload twice. That does no harm: thumbnail and row have the photo's own key, and take the place of
themselves.
"""

import io
import os
from typing import Any
from urllib.parse import unquote_plus

import boto3
from PIL import Image, ImageOps

SIZE = int(os.environ["SIZE"])
THUMBNAILS = os.environ["THUMBNAILS"]

# A small file can hold a picture that fills all memory. Pillow warns at this many pixels, and refuses at twice as many.
Image.MAX_IMAGE_PIXELS = 50_000_000

s3 = boto3.client("s3")
metadata = boto3.resource("dynamodb").Table(os.environ["METADATA"])


def handler(event: dict[str, Any], context: object) -> None:
    """Work on each upload that S3 tells of. An exception sends the event to the dead letters."""
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])  # S3 writes keys as in a form: a blank is a +
        process(bucket, key)


def process(bucket: str, key: str) -> None:
    """Make the thumbnail of one photo, and its row."""
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with Image.open(io.BytesIO(content)) as photo:
        form, size = "JPEG" if photo.format == "MPO" else str(photo.format), photo.size  # MPO: several JPEGs in one
        small = thumbnail(photo)

    s3.put_object(Bucket=THUMBNAILS, Key=key, Body=encoded(small, form), ContentType=Image.MIME[form])
    # The row comes last: whoever finds one can rely on the thumbnail.
    metadata.put_item(
        Item={
            "photo": key,
            "format": form,
            "width": size[0],
            "height": size[1],
            "bytes": len(content),
            "thumbnail": {"width": small.width, "height": small.height},
        }
    )
    print(f"{key}: {form}, {size[0]} x {size[1]}, thumbnail {small.width} x {small.height}")


def thumbnail(photo: Image.Image) -> Image.Image:
    """The photo within SIZE x SIZE pixels, its proportions kept; a smaller one stays as it is."""
    # For a JPEG, this lets the decoder skip what is thrown away anyhow.
    photo.draft("RGB", (SIZE * 2, SIZE * 2))
    # Cameras store a turned photo as it lies, with a note which side is up. Thumbnails carry no such notes.
    small = ImageOps.exif_transpose(photo)
    small.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS)
    return small


def encoded(image: Image.Image, form: str) -> bytes:
    """The file of a picture, without anything that the photo said about place, time or camera."""
    if form == "JPEG" and image.mode != "RGB":
        image = image.convert("RGB")
    out = io.BytesIO()
    image.save(out, format=form, quality=85, exif=b"")
    return out.getvalue()
