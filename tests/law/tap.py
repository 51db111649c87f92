"""A test script in TAP: run(module) calls each of its test_* functions in order, and counts."""
import sys
import traceback


class Skip(Exception):
    """Raised by a test that cannot run here; its text says why."""


def run(module):
    tests = [(name, entry) for name, entry in vars(module).items() if name.startswith('test_')]
    print(f'1..{len(tests)}')
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f'ok {number} - {name}')
        except Skip as reason:
            print(f'ok {number} - {name} # SKIP {reason}')
        except Exception:  # a test may fail in any way
            failed += 1
            print(f'not ok {number} - {name}')
            print('# ' + traceback.format_exc().rstrip().replace('\n', '\n# '))
        sys.stdout.flush()
    return 1 if failed else 0
