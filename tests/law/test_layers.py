"""tools/check-layers passes on the tree, and fails on each kind of fault planted into a copy of it."""
import os
import shutil
import subprocess
import sys
import tempfile

import tap
from tree import ROOT

CHECK = os.path.join(ROOT, 'tools', 'check-layers')


def check(root):
    done = subprocess.run([sys.executable, CHECK, root], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout


def with_planted(path, text, append=False, parts=()):
    """The check's answer on a small tree under the same law, or a copy of `parts` of ours, in which `path` is (or ends with) `text`."""
    with tempfile.TemporaryDirectory() as copy:
        for part in parts:
            shutil.copytree(os.path.join(ROOT, part), os.path.join(copy, part))
        os.mkdir(os.path.join(copy, 'tools'))
        shutil.copy(os.path.join(ROOT, 'tools', 'layers.txt'), os.path.join(copy, 'tools'))
        write(os.path.join(copy, 'src', 'base', 'sound.c'), '#include "base/buf.h"\n')
        write(os.path.join(copy, path), text, 'a' if append else 'w')
        return check(copy)


def write(path, text, mode='w'):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, mode, encoding='utf-8') as file:
        file.write(text)


def refuses(path, text, words, append=False):
    status, output = with_planted(path, text, append)
    assert status == 1, output
    assert words in output, output


def accepts(path, text):
    status, output = with_planted(path, text)
    assert status == 0, output


def test_the_tree_keeps_the_law():
    status, output = check(ROOT)
    assert status == 0, output


def test_a_fault_in_a_copy_of_the_tree_is_found():
    status, output = with_planted('src/base/planted.c', '#include "core/provider.h"\n', parts=('src', 'include'))
    assert status == 1 and output.splitlines() == ['src/base/planted.c:1: "base" may not include "core/provider.h" (tools/layers.txt:%d)'
                                                   % law_line('room base:')], output


def law_line(start):
    with open(os.path.join(ROOT, 'tools', 'layers.txt'), encoding='utf-8') as file:
        return next(number for number, line in enumerate(file, 1) if line.startswith(start))


def test_base_may_not_look_up():
    refuses('src/base/planted.c', '#include "core/provider.h"\n', 'src/base/planted.c:1: "base" may not include "core/provider.h"')


def test_core_and_kms_are_siblings():
    refuses('src/core/planted.c', '\n#include "kms/engine.h"\n', 'src/core/planted.c:2: "core" may not')
    refuses('src/kms/planted.c', '#include "core/schema.h"\n', '"kms" may not include "core/schema.h"')


def test_an_include_hidden_by_blanks_is_seen():
    refuses('src/base/planted.h', ' #  include "db/job.h"\n', 'src/base/planted.h:1:')


def test_a_comment_is_not_an_include():
    accepts('src/base/planted.c', '/*\n#include "db/job.h"\n*/\n// system("x")\nchar *const text = "popen(";\n')


def test_an_include_names_its_room():
    refuses('src/base/planted.c', '#include "buf.h"\n', 'write "base/buf.h"')
    refuses('src/base/planted.c', '#include "../db/job.h"\n', 'with its room')
    refuses('src/base/planted.c', '#include HEADER\n', 'write the name')


def test_system_headers_have_rooms():
    refuses('src/core/planted.c', '#include <openssl/evp.h>\n', '"core" may not include <openssl/evp.h>')
    refuses('src/io/planted.c', '#include <sqlite3.h>\n', '"io" may not include <sqlite3.h>')
    refuses('src/kms/planted.c', '#include <sys/socket.h>\n', '"kms" may not include <sys/socket.h>')
    accepts('src/crypto/planted.c', '#include <openssl/evp.h>\n#include <string.h>\n#include <bulla/error.h>\n')


def test_an_unknown_system_header_is_refused():
    refuses('src/base/planted.c', '#include <glib.h>\n', '<glib.h> belongs to no room')


def test_public_headers_stand_alone():
    refuses('include/bulla/planted.h', '#include "base/buf.h"\n', 'public headers include <bulla/...>')
    refuses('include/bulla/planted.h', '#include <stdio.h>\n', '"include" may not include <stdio.h>')


def test_banned_calls_are_refused():
    for call in ('strcpy(a, b)', 'sprintf (a, b)', 'system("x")', 'rand()', 'strtok(a, b)', 'alloca(4)', 'atexit(f)'):
        refuses('src/cli/planted.c', f'void f(void)\n{{\n\t{call};\n}}\n', 'src/cli/planted.c:3: "cli" may not use')


def test_names_that_only_look_banned_pass():
    accepts('src/base/planted.c', 'bulla_strcpy(a); row->system(x); row.rand(x); brand(x); int rand_seed;\n')


def test_thread_locals_are_refused():
    for word in ('__thread', '_Thread_local'):
        refuses('src/core/planted.c', f'static {word} int x;\n', f'may not use {word}')


def test_the_pure_rooms_do_no_io():
    refuses('src/core/planted.c', 'void f(void) { printf("x"); }\n', '"core" may not use printf')
    refuses('src/kms/planted.c', 'void f(void) { fopen("x", "r"); }\n', '"kms" may not use fopen')
    accepts('src/cli/planted.c', 'void f(void) { printf("x"); }\n')


def test_a_room_needs_a_row():
    refuses('src/attic/planted.c', '\n', 'src/attic/planted.c: no room of tools/layers.txt')
    refuses('src/planted.c', '\n', 'src/planted.c: no room')


def test_the_law_itself_is_checked():
    refuses('tools/layers.txt', 'room a: b\nroom b: a\n', 'lead back', append=True)
    refuses('tools/layers.txt', 'room a: nowhere\n', 'no room is called "nowhere"', append=True)
    refuses('tools/layers.txt', 'header x.h: nowhere\n', 'no room is called "nowhere"', append=True)
    refuses('tools/layers.txt', 'what is this\n', 'is no rule', append=True)
    refuses('tools/layers.txt', 'room base:\n', 'one name, and one line', append=True)


if __name__ == '__main__':
    sys.exit(tap.run(sys.modules[__name__]))
