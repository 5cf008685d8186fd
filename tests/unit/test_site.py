import pytest

from serverless_cli.packaging.site import cache_control, content_type, walk


@pytest.mark.parametrize(
    ("key", "type_"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        ("app.mjs", "text/javascript; charset=utf-8"),
        ("data.json", "application/json; charset=utf-8"),
        ("logo.svg", "image/svg+xml; charset=utf-8"),
        ("photo.jpg", "image/jpeg"),
        ("photo.webp", "image/webp"),
        ("font.woff2", "font/woff2"),
        ("app.wasm", "application/wasm"),
        ("robots.txt", "text/plain; charset=utf-8"),
        ("site.webmanifest", "application/manifest+json; charset=utf-8"),
        ("LICENSE", "application/octet-stream"),
        ("deep/er/INDEX.HTML", "text/html; charset=utf-8"),
    ],
)
def test_content_types_are_those_that_browsers_want_on_every_machine(key, type_):
    assert content_type(key) == type_


FOR_EVER = "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("key", "rules", "value"),
    [
        pytest.param("index.html", {}, "no-cache", id="what may change is asked for anew"),
        pytest.param("app.3f2a9c1b.js", {}, FOR_EVER, id="a content hash never changes"),
        pytest.param("assets/app-3f2a9c1b44.css", {}, FOR_EVER, id="behind a dash as well"),
        pytest.param("a.deadbeef.js", {}, "no-cache", id="a word of hex letters is no hash"),
        pytest.param("photo-20240101.jpg", {}, FOR_EVER, id="a date looks like one"),
        pytest.param("a.png", {"*.png": "max-age=60"}, "max-age=60", id="a rule of the user's own"),
        pytest.param("app.3f2a9c1b.js", {"*.js": "no-store"}, "no-store", id="which comes before the hash"),
        pytest.param("a/b.png", {"a/*": "one", "*.png": "two"}, "one", id="the first that fits"),
    ],
)
def test_how_long_browsers_keep_a_file(key, rules, value):
    assert cache_control(key, rules) == value


def test_all_files_are_walked_in_one_order_with_slashes(tmp_path):
    for name in ("b.html", "a/z.js", "a/b/c.css"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")

    assert [key for key, _ in walk(tmp_path)] == ["a/b/c.css", "a/z.js", "b.html"]


@pytest.mark.parametrize("name", [".DS_Store", ".git/config", "a/Thumbs.db", ".slx/journal"])
def test_what_belongs_to_no_website_is_left_out(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("x")

    assert list(walk(tmp_path)) == []


def test_a_folder_that_is_gone_has_no_files(tmp_path):
    assert list(walk(tmp_path / "gone")) == []


def test_links_that_lead_out_of_the_folder_are_left_out(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "secret").write_text("x")
    (site / "inside.txt").write_text("x")
    (site / "outside.txt").symlink_to(tmp_path / "secret")
    (site / "link.txt").symlink_to(site / "inside.txt")

    assert [key for key, _ in walk(site)] == ["inside.txt", "link.txt"]
