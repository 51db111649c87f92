"""Where the source tree lies, and its parts that several laws are about."""
import glob
import os

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


def below(pattern):
    """Paths from the root that match; ** is any depth."""
    return sorted(os.path.relpath(path, ROOT) for path in glob.glob(os.path.join(ROOT, pattern), recursive=True))


def public_headers():
    return below('include/bulla/**/*.h')
