"""The vector runner sees what it should: right, wrong, refused, skipped, broken and absent vectors, by files made here."""
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile

import tap

RUNNER = os.environ['VECTORS_RUNNER']
KEY = bytes(range(32))


def run(files, arguments=None, environment=None):
    """Exit status and lines of a run over a directory with these files, path -> text or what is to become JSON."""
    with tempfile.TemporaryDirectory() as place:
        for path, content in files.items():
            os.makedirs(os.path.dirname(os.path.join(place, path)), exist_ok=True)
            with open(os.path.join(place, path), 'w', encoding='utf-8') as file:
                file.write(content if isinstance(content, str) else json.dumps(content))
        command = [RUNNER] + (arguments(place) if arguments else [place])
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
        return done.returncode, done.stdout.splitlines()


def document(algorithm, *tests, **group):
    return {'algorithm': algorithm, 'numberOfTests': len(tests), 'testGroups': [dict(group, tests=list(tests))]}


def mac_test(tag=None, result='valid', number=1, length=32):
    right = hmac.new(KEY, b'message', hashlib.sha256).digest()[:length].hex()
    return {'tcId': number, 'key': KEY.hex(), 'msg': b'message'.hex(), 'tag': tag or right, 'result': result}


def one(content, name='wycheproof/hmac_sha256.json'):
    status, lines = run({name: content})
    return status, lines[-1], '\n'.join(lines)


def mac(*tests, bits=256):
    return one(document('HMACSHA256', *tests, tagSize=bits))


# McGrew and Viega, test case 14; RFC 3394, 4.1; RFC 8032, 7.1, test 2
def aead_test(**change):
    return dict({'tcId': 1, 'key': '00' * 32, 'iv': '00' * 12, 'aad': '', 'msg': '00' * 16, 'ct': 'cea7403d4d606b6e074ec5d3baf39d18',
                 'tag': 'd0d1c8a799996bf0265b98b5d48ab919', 'result': 'valid'}, **change)


def wrap_test(**change):
    return dict({'tcId': 1, 'key': '000102030405060708090a0b0c0d0e0f', 'msg': '00112233445566778899aabbccddeeff',
                 'ct': '1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5', 'result': 'valid'}, **change)


def sign_test(**change):
    return dict({'tcId': 1, 'msg': '72', 'sig': '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da'
                 '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00', 'result': 'valid'}, **change)


PUBLIC_KEY = {'curve': 'edwards25519', 'pk': '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'}


def aead(**change):
    return one(document('AES-GCM', aead_test(**change), tagSize=128), 'wycheproof/any_name.json')


def wrap(**change):
    return one(document('AES-WRAP', wrap_test(**change)))


def sign(**change):
    return one(document('EDDSA', sign_test(**change), publicKey=PUBLIC_KEY))


def passes(outcome):
    assert outcome[:2] == (0, '1 passed, 0 failed, 0 skipped'), outcome


def fails(outcome, word):
    assert outcome[:2] == (1, '0 passed, 1 failed, 0 skipped') and word in outcome[2], outcome


def skips(outcome, word, number=1):
    assert outcome[:2] == (0, f'0 passed, 0 failed, {number} skipped') and word in outcome[2], outcome


def test_right_vectors_pass():
    passes(mac(mac_test()))
    passes(mac(mac_test(length=16), bits=128))
    passes(aead())
    passes(wrap())
    passes(sign())


def test_wrong_vectors_fail_with_their_number():
    fails(mac(mac_test(tag='00' * 32, number=77)), 'tcId 77')
    fails(mac(mac_test(tag='00')), 'output differs')
    for change in ({'ct': '00' * 16}, {'tag': '00' * 16}, {'msg': '01' * 16}, {'aad': '00'}, {'iv': '01' * 12}, {'key': '01' * 32}):
        fails(aead(**change), 'FAILED: wycheproof/any_name.json tcId 1')
    for change in ({'ct': '00' * 24}, {'msg': '01' * 16}, {'key': '01' * 16}):
        fails(wrap(**change), 'FAILED')
    fails(sign(msg='73'), 'refused')


def test_invalid_vectors_must_be_refused():
    passes(mac(mac_test(tag='00' * 32, result='invalid')))
    passes(aead(tag='00' * 16, result='invalid'))
    passes(aead(iv='', result='invalid'))
    passes(aead(key='00' * 31, result='invalid'))
    passes(wrap(ct='00' * 24, result='invalid'))
    passes(sign(msg='73', result='invalid'))
    for outcome in (mac(mac_test(result='invalid')), aead(result='invalid'), wrap(result='invalid'), sign(result='invalid')):
        fails(outcome, 'accepted')


def test_acceptable_vectors_may_do_either_but_not_lie():
    for outcome in (mac(mac_test(result='acceptable')), aead(result='acceptable'), aead(tag='00' * 16, result='acceptable'),
                    wrap(ct='00' * 24, result='acceptable')):
        passes(outcome)
    fails(aead(msg='01' * 16, result='acceptable'), 'differs')


def test_fields_that_are_missing_or_not_hexadecimal_fail():
    for change in ({'key': None}, {'key': 5}, {'tag': 'zz'}, {'result': 'maybe'}):
        fails(aead(**change), 'FAILED')


def test_what_is_not_offered_is_skipped_by_name():
    skips(one(document('XDH', {'tcId': 1}, {'tcId': 2}), 'wycheproof/x25519.json'), 'skipped: x25519 (not offered)', 2)
    skips(one({'meta': {}, 'vectors': [1, 2, 3]}, 'ruby/lockbox_box.json'), 'skipped: lockbox_box (not offered)', 3)
    skips(aead(iv='00' * 65), 'skipped: any_name tcId 1')
    skips(one(document('AES-GCM', aead_test(), tagSize=96)), 'length of tags')
    skips(one(document('EDDSA', sign_test(), publicKey={'curve': 'edwards448', 'pk': ''})), 'curve')


def test_broken_files_fail():
    fails(one('{"algorithm":'), 'FAILED: wycheproof/hmac_sha256.json')
    fails(one({'algorithm': 'AES-GCM', 'testGroups': []}), 'no vectors')
    fails(one({'meta': {}}, 'ruby/lockbox_box.json'), 'no vectors')
    cut = document('HMACSHA256', mac_test(), tagSize=256)
    cut['numberOfTests'] = 2
    status, last, _ = one(cut)
    assert (status, last) == (1, '1 passed, 1 failed, 0 skipped')


def test_both_folders_are_counted_together():
    status, lines = run({'wycheproof/a.json': document('HMACSHA256', mac_test(), mac_test(number=2), tagSize=256),
                         'ruby/b.json': {'vectors': [1]}, 'wycheproof/README.md': 'words', 'other/c.json': '{'})
    assert status == 0 and lines[-1] == '2 passed, 0 failed, 1 skipped', lines
    assert 'wycheproof/a.json: 2 passed, 0 failed, 0 skipped' in lines


def test_one_file_can_be_asked_for():
    files = {'wycheproof/%s.json' % name: document('AES-GCM', aead_test(), tagSize=128) for name in 'ab'}
    status, lines = run(files, lambda place: [place, 'b.json'])
    assert status == 0 and lines[-1] == '1 passed, 0 failed, 0 skipped', lines
    assert not any('a.json' in line for line in lines), lines
    assert run(files, lambda place: [place, 'c.json'])[0] == 1


def test_no_vectors_is_a_failure():
    for files, arguments in (({}, None), ({'wycheproof/README.md': ''}, None), ({}, lambda place: [place + '/absent'])):
        status, lines = run(files, arguments)
        assert status == 1 and lines[-1] == '0 passed, 0 failed, 0 skipped', lines


def test_shared_vectors_are_skipped_only_where_they_are_absent():
    without = {name: value for name, value in os.environ.items() if name != 'BULLA_SHARED'}
    status, lines = run({}, lambda place: ['--shared', place], dict(without, BULLA_SHARED='/nonexistent'))
    assert status == 77 and lines[0].startswith('skipped: '), lines
    status, lines = run({'root/x': '', 'shared/vectors/ruby/a.json': {'vectors': [1]}},
                        lambda place: ['--shared', place + '/root'], without)
    assert status == 0 and lines[-1] == '0 passed, 0 failed, 1 skipped', lines


if __name__ == '__main__':
    sys.exit(tap.run(sys.modules[__name__]))
