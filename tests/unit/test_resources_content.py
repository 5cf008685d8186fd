import hashlib

from serverless_cli.fill import fill
from serverless_cli.model import Handout, Late, Ref
from serverless_cli.resources.content import ContentKind, ContentSpec

API = Ref("http-api", "api")
URL = Late((Handout(API, "url"),))


def md5(text):
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def prepared(folder, fill=None, **files):
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return ContentKind().prepare(ContentSpec(True, {}, str(folder), fill or {}))


def test_a_files_etag_is_the_digest_of_its_bytes(tmp_path):
    spec = prepared(tmp_path, app_js="let a")

    assert (spec.files["app.js"].etag, spec.files["app.js"].size) == (md5("let a"), 5)


def test_a_value_that_is_known_counts_into_the_digest(tmp_path):
    spec = prepared(tmp_path, {"API_URL": "https://x"}, index_html="<{{API_URL}}>")

    assert (spec.files["index.html"].etag, spec.files["index.html"].size) == (md5("<https://x>"), 11)


def test_a_value_that_aws_hands_out_leaves_just_the_files_that_name_it_open(tmp_path):
    spec = prepared(tmp_path, {"API_URL": URL}, index_html="{{API_URL}}", error_html="none")

    open_ = {key for key, file in spec.files.items() if isinstance(file.etag, Late)}
    assert open_ == {"index.html"}


def test_once_it_is_handed_out_the_digest_is_that_of_the_filled_file(tmp_path):
    spec = prepared(tmp_path, {"API_URL": URL}, index_html="<{{API_URL}}>")

    filled = ContentKind().prepare(fill(spec, {API: {"url": "https://x"}}))

    assert filled.files["index.html"].etag == md5("<https://x>")


def test_values_are_only_filled_into_text(tmp_path):
    spec = prepared(tmp_path, {"API_URL": "https://x"}, picture_png="{{API_URL}}")

    assert spec.files["picture.png"].etag == md5("{{API_URL}}")


def test_braces_that_name_no_value_stay_as_they_are(tmp_path):
    spec = prepared(tmp_path, {"API_URL": "https://x"}, index_html="{{OTHER}} {{ API_URL }}")

    assert spec.files["index.html"].etag == md5("{{OTHER}} {{ API_URL }}")


def test_a_cache_rule_of_the_users_own_comes_first(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    spec = ContentKind().prepare(ContentSpec(True, {}, str(tmp_path), {}, {"*.png": "max-age=60"}))

    assert spec.files["a.png"].cache_control == "max-age=60"
