"""What libbulla exports is what its headers declare and what tools/symbols.txt lists; it keeps no state of its own."""
import os
import re
import subprocess
import sys

import tap
import tree

DECLARED = re.compile(r'^BULLA_API\b[^;{]*?\b(\w+)\(', re.M)


def nm(*arguments):
    return subprocess.run(['nm', *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


def listed():
    return tree.read('tools/symbols.txt').split()


def exported():
    return {line.split()[-1] for line in nm('-D', '--defined-only', os.environ['LAW_SHARED'])}


def declared():
    return {name for header in tree.public_headers() for name in DECLARED.findall(tree.read(header))}


def same(left, right, words):
    assert left == right, words % (sorted(left - right), sorted(right - left))


def test_the_list_is_sorted():
    assert listed() == sorted(set(listed())), 'run tools/update-symbols'


def test_exported_are_listed():
    same(exported(), set(listed()), 'exported and not listed: %s; listed and not exported: %s. On purpose: tools/update-symbols')


def test_exported_are_declared():
    same(exported(), declared(), 'exported and in no header: %s; declared and not exported: %s')


def test_no_global_mutable_state():
    if os.environ.get('LAW_SANITIZED'):
        raise tap.Skip('a sanitizer keeps state of its own in every object')
    found = []
    for line in nm('--format=sysv', os.environ['LAW_STATIC']):
        parts = [part.strip() for part in line.split('|')]
        # constants that hold addresses are read-only after linking
        if len(parts) == 7 and parts[2] in tuple('bBdDC') and not parts[6].startswith('.data.rel.ro'):
            found.append(f'{parts[0]} in {parts[6]}')
    assert not found, f'writable: {found}'


if __name__ == '__main__':
    sys.exit(tap.run(sys.modules[__name__]))
