"""How tools/check counts: what it promises in its last line must be what happened."""
import importlib.machinery
import importlib.util
import os
import sys

import tap
import tree

sys.dont_write_bytecode = True
LOADER = importlib.machinery.SourceFileLoader('check', os.path.join(tree.ROOT, 'tools', 'check'))
check = importlib.util.module_from_spec(importlib.util.spec_from_loader('check', LOADER))
LOADER.exec_module(check)


def counts(stdout, result='OK', name='bulla:unit / base/text'):
    return tuple(check.count({'stdout': stdout, 'result': result, 'name': name}))


def test_a_plain_test_is_one():
    assert counts('hello\n') == (1, 0, 0)
    assert counts('hello\n', 'FAIL') == (0, 1, 0)
    assert counts('', 'TIMEOUT') == (0, 1, 0)
    assert counts('no data here, skipped\n', 'SKIP') == (0, 0, 1)


def test_tap_counts_each_result():
    assert counts('1..3\nok 1 - a\nok 2 - b\nok 3 - c\n') == (3, 0, 0)
    assert counts('1..2\nok 1 - a\nnot ok 2 - b\n# why\n', 'FAIL') == (1, 1, 0)


def test_cmocka_writes_skips_as_not_ok():
    assert counts('1..2\nok 1 - a\nnot ok 2 # SKIP b\n') == (1, 0, 1)


def test_several_groups_are_added():
    assert counts('1..1\nok 1 - a\n# ok - first\n1..1\nok 1 - b\n# ok - second\n') == (2, 0, 0)


def test_what_was_promised_and_never_came_failed():
    assert counts('1..5\nok 1 - a\nok 2 - b\n', 'FAIL') == (2, 3, 0)


def test_a_crash_after_the_last_result_fails():
    assert counts('1..1\nok 1 - a\n', 'FAIL') == (1, 1, 0)


def test_skipped_as_a_whole():
    assert counts('1..0 # SKIP nothing to do\n') == (0, 0, 1)


def test_a_summary_line_counts():
    assert counts('vectors\n1200 passed, 0 failed, 37 skipped\n') == (1200, 0, 37)
    assert counts('1200 passed, 0 failed, 37 skipped\n', 'FAIL') == (1200, 1, 37)


def test_suite_and_name_come_from_the_log():
    assert check.suite_and_name({'name': 'bulla:unit+slow / base/text'}) == ('unit', 'base/text')
    assert check.suite_and_name({'name': 'bulla / text'}) == ('other', 'text')


def test_reasons_of_skips_are_kept():
    assert check.skips({'stdout': 'skipped: no vectors\nnot ok 3 # SKIP b\n'}) == ['skipped: no vectors']
    assert check.skips({'stdout': 'not ok 3 # SKIP b\n'}) == ['not ok 3 # SKIP b']


def test_many_reasons_are_cut():
    reasons = check.skips({'stdout': ''.join(f'skipped: {n}\n' for n in range(100)) + 'a.json: 0 passed, 0 failed, 100 skipped\n'})
    assert len(reasons) == check.REASONS + 1 and reasons[-1] == f'and {100 - check.REASONS} more', reasons


if __name__ == '__main__':
    sys.exit(tap.run(sys.modules[__name__]))
