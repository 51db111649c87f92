"""The documents agree with the tree: error codes, links, make targets, man pages."""
import os
import re
import shlex
import subprocess
import sys
import tempfile

import tap
import tree

CODE = re.compile(r'^\tBULLA_(?:ERR_)?(\w+) = (\d+),?', re.M)
ROW = re.compile(r'^\| (\d+) \| `(\w+)` \|(.*)\|$', re.M)
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)')
TARGET = re.compile(r'`make ([a-z][a-z-]*)')
BLOCK = re.compile(r'^```(\w*)\n(.*?)^```', re.M | re.S)
INLINE = re.compile(r'`(bulla [^`\n]*)`')
PROLOGUE = '#include <bulla/bulla.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
FENCE = re.compile(r'^```.*?^```', re.M | re.S)


def documents():
    return tree.below('*.md') + tree.below('docs/**/*.md')


def codes():
    enum = tree.read('include/bulla/error.h').partition('typedef enum bulla_code')[2].partition('}')[0]
    return {int(number): name.lower() for name, number in CODE.findall(enum)}


def test_every_error_code_is_explained():
    found = codes()
    assert len(found) > 30
    rows = ROW.findall(tree.read('docs/ERRORS.md'))
    assert {int(number): name for number, name, _ in rows} == {**found}, 'docs/ERRORS.md and include/bulla/error.h differ'
    assert len(rows) == len(found), 'a code is listed twice'
    for _, name, cells in rows:
        parts = [cell.strip() for cell in cells.split('|')]
        assert len(parts) == 3 and all(len(part) > 2 for part in parts), f'{name}: meaning, likely cause, next step'


def test_every_quarantine_reason_is_explained():
    source = tree.read('src/core/reason.h').partition('typedef enum bulla_reason')[2].partition('}')[0]
    reasons = {name.lower() for name in re.findall(r'BULLA_REASON_(\w+) = [1-9]', source)}
    table = tree.read('docs/ERRORS.md').partition('## Reasons in the quarantine')[2]
    assert set(re.findall(r'^\| `(\w+)` \|', table, re.M)) == reasons


def test_every_kind_of_personal_data_is_explained():
    kinds = set(re.findall(r'^\t\{ "(\w+)", "', tree.read('src/db/detect.c'), re.M))
    assert len(kinds) > 40
    table = tree.read('docs/SCAN.md').partition('## Kinds')[2]
    cells = [line.split('|')[1] for line in table.splitlines() if line.startswith('| `')]
    assert set(re.findall(r'`(\w+)`', ''.join(cells))) == kinds


def test_every_finding_of_the_doctor_is_explained():
    source = ''.join(tree.read(path) for path in tree.below('src/cli/doctor*.c'))
    found = set(re.findall(r'bulla_diagnose(?:_error)?\([^;"]*?"(\w+)"', source))
    found |= set(re.findall(r'BULLA_ERR_\w+, "(\w+)" \}', source)) | set(sum(re.findall(r'"(\w+)" : "(\w+)";', source), ()))
    assert len(found) > 40
    table = tree.read('docs/DOCTOR.md').partition('## Findings')[2].partition('\n## ')[0]
    cells = [line.split('|')[1] for line in table.splitlines() if line.startswith('| `')]
    assert set(re.findall(r'`(\w+)`', ''.join(cells))) == found


def anchors(path):
    """What GitHub and others call the headings of a page."""
    headings = re.findall(r'^#+ +(.*)$', FENCE.sub('', tree.read(path)), re.M)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


def test_links_lead_somewhere():
    broken = []
    for path in documents():
        for target in LINK.findall(FENCE.sub('', tree.read(path))):
            place, _, anchor = target.partition('#')
            if '://' in target or target.startswith('mailto:'):
                continue
            aim = os.path.normpath(os.path.join(os.path.dirname(path), place)) if place else path
            if not os.path.exists(os.path.join(tree.ROOT, aim)):
                broken.append(f'{path}: {target}')
            elif anchor and aim.endswith('.md') and anchor not in anchors(aim):
                broken.append(f'{path}: {target}: no such heading')
    assert not broken, broken


def test_make_targets_that_are_named_exist():
    targets = set(re.findall(r'^([a-z-]+):', tree.read('Makefile'), re.M))
    for path in documents():
        for name in TARGET.findall(tree.read(path)):
            assert name in targets, f'{path}: make {name}'


def test_c_in_the_documents_compiles():
    """All blocks of a page are one program: a later one may use what an earlier one defines."""
    for path in documents():
        snippets = [block for language, block in BLOCK.findall(tree.read(path)) if language == 'c']
        if not snippets:
            continue
        with tempfile.NamedTemporaryFile('w', suffix='.c') as source:
            source.write(PROLOGUE + '\n'.join(snippets))
            source.flush()
            done = subprocess.run([*shlex.split(os.environ['LAW_CC']), '-std=c11', '-Wall', '-Wextra', '-Werror', '-Wno-unused-function',
                                   '-fsyntax-only', '-I' + os.path.join(tree.ROOT, 'include'), source.name],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, f'{path}: {done.stdout}'


def bulla(*arguments):
    if 'LAW_BULLA' not in os.environ:
        raise tap.Skip('the command is not built')
    return subprocess.run([os.environ['LAW_BULLA'], *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          check=True).stdout


def commands():
    return [line.partition('\t')[0] for line in bulla('help', '--list').splitlines()]


def command_lines():
    """(page, words) of each `bulla ...` that a page shows, in a block or in the text."""
    for path in documents():
        text = tree.read(path)
        blocks = [line.partition('#')[0] for language, block in BLOCK.findall(text) if not language
                  for line in block.splitlines()]
        inline = INLINE.findall(FENCE.sub('', text))
        for line in blocks + inline:
            for part in re.split(r'&&|\||>', line):
                words = part.replace('[', ' ').replace(']', ' ').split()
                if words[:1] == ['bulla'] and len(words) > 1:
                    yield path, words[1:]


def named(words, known):
    """The command that a command line begins with."""
    return next((name for name in (' '.join(words[:2]), words[0]) if name in known), None)


def test_commands_in_the_documents_exist():
    known, seen = set(commands()), 0
    families = {name.split()[0] for name in known}
    for path, words in command_lines():
        seen += 1
        name = named(words, known)
        assert name or words[0] in families and len(words) == 1, f'{path}: bulla {" ".join(words)}'
        options = {word.partition('=')[0] for word in words if word.startswith('--')}
        if name and options:
            shown = set(re.findall(r'--[a-z-]+', bulla('help', *name.split()))) | {'--json', '--config', '--env', '--help'}
            assert options <= shown, f'{path}: bulla {" ".join(words)}'
    assert seen > 20


def test_every_command_is_documented():
    pages = ''.join(tree.read(path) for path in documents())
    missing = [name for name in commands() if name not in ('help', 'version') and f'bulla {name}' not in pages]
    assert not missing, missing


def test_every_command_has_a_man_page():
    pages = {os.path.basename(path).partition('.')[0] for path in tree.below('man/*.scd')}
    missing = [name for name in commands() if name not in ('help', 'version')
               and not {'bulla-' + name.replace(' ', '-'), 'bulla-' + name.split()[0]} & pages]
    assert not missing, missing


if __name__ == '__main__':
    sys.exit(tap.run(sys.modules[__name__]))
