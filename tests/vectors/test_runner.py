"""The vector runner sees what it should: right, wrong, refused, skipped, broken and absent vectors, by files made here."""
import hashlib
import hmac
import json
import os
import shutil
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


# RFC 6979, A.2.5: SHA-256, "sample"
P256 = ('3059301306072a8648ce3d020106082a8648ce3d0301070342000460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6'
        '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299')
ECDSA = ('3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716'
         '022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8')
# RFC 5903, 8.1
PEER = ('3059301306072a8648ce3d020106082a8648ce3d03010703420004d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63'
        '56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab')
ECDH = {'tcId': 1, 'public': PEER, 'private': '00c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433',
        'shared': 'd6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de', 'result': 'valid'}


def ecdsa(sha='SHA-256', key='publicKeyDer', **change):
    test = dict({'tcId': 1, 'msg': b'sample'.hex(), 'sig': ECDSA, 'result': 'valid'}, **change)
    return one(document('ECDSA', test, sha=sha, **{key: P256}))


def ecdh(curve='secp256r1', encoding='asn', **change):
    return one(document('ECDH', dict(ECDH, **change), curve=curve, encoding=encoding))


def test_signatures_and_secrets_of_curves():
    passes(ecdsa())
    passes(ecdsa(key='keyDer'))
    fails(ecdsa(msg='00'), 'refused')
    fails(ecdsa(result='invalid'), 'accepted')
    passes(ecdsa(sig=ECDSA + '00', result='invalid'))
    skips(ecdsa(sha='SHA-512'), 'with this hash')
    skips(ecdsa(sha='SHA3-256'), 'hash is not offered')
    passes(ecdh())
    passes(ecdh(shared='', public=PEER[:-2] + 'ac', result='invalid'))
    passes(ecdh(public=PEER[:54] + '03' + PEER[56:120], result='acceptable'))
    fails(ecdh(shared='00' * 32), 'differs')
    fails(ecdh(result='invalid'), 'accepted')
    fails(ecdh(private='zz'), 'lacks a field')
    skips(ecdh(curve='secp256k1'), 'curve')
    skips(ecdh(encoding='pem'), 'encoding')


def openssl(place, *arguments):
    subprocess.run(['openssl', *arguments], cwd=place, check=True, capture_output=True, timeout=60)


def made_by_openssl(place):
    """A key of RSA and what the openssl command makes with it, each in hexadecimal."""
    with open(os.path.join(place, 'm'), 'wb') as file:
        file.write(b'message')
    openssl(place, 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'pem')
    openssl(place, 'pkcs8', '-topk8', '-nocrypt', '-in', 'pem', '-outform', 'DER', '-out', 'private')
    openssl(place, 'pkey', '-in', 'pem', '-pubout', '-outform', 'DER', '-out', 'public')
    openssl(place, 'dgst', '-sha384', '-sign', 'pem', '-out', 'pkcs1', 'm')
    openssl(place, 'dgst', '-sha384', '-sign', 'pem', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest', '-out', 'pss', 'm')
    openssl(place, 'pkeyutl', '-encrypt', '-inkey', 'pem', '-in', 'm', '-out', 'oaep', '-pkeyopt', 'rsa_padding_mode:oaep',
            '-pkeyopt', 'rsa_oaep_md:sha256', '-pkeyopt', 'rsa_mgf1_md:sha256')
    found = {}
    for name in ('m', 'private', 'public', 'pkcs1', 'pss', 'oaep'):
        with open(os.path.join(place, name), 'rb') as file:
            found[name] = file.read().hex()
    return found


def test_signatures_and_ciphertexts_of_rsa():
    if not shutil.which('openssl'):
        print('# skipped: there is no openssl command')
        return
    with tempfile.TemporaryDirectory() as place:
        made = made_by_openssl(place)
    group = {'publicKeyDer': made['public'], 'sha': 'SHA-384', 'mgf': 'MGF1', 'mgfSha': 'SHA-384', 'sLen': 48}

    def signed(algorithm, sig, result='valid', **change):
        return one(document(algorithm, {'tcId': 1, 'msg': made['m'], 'sig': sig, 'result': result}, **dict(group, **change)))

    def encrypted(ct=made['oaep'], result='valid', label='', **change):
        group = dict({'privateKeyPkcs8': made['private'], 'sha': 'SHA-256', 'mgfSha': 'SHA-256'}, **change)
        return one(document('RSAES-OAEP', {'tcId': 1, 'msg': made['m'], 'ct': ct, 'label': label, 'result': result}, **group))

    passes(signed('RSASSA-PKCS1-v1_5', made['pkcs1']))
    passes(signed('RSASSA-PSS', made['pss']))
    fails(signed('RSASSA-PKCS1-v1_5', made['pss']), 'refused')
    passes(signed('RSASSA-PSS', made['pkcs1'], 'invalid'))
    skips(signed('RSASSA-PSS', made['pss'], sLen=20), 'padding')
    skips(signed('RSASSA-PSS', made['pss'], mgfSha='SHA-1'), 'padding')
    skips(signed('RSASSA-PKCS1-v1_5', made['pkcs1'], sha='SHA-224'), 'hash')
    passes(encrypted())
    passes(encrypted('00' * 256, 'invalid'))
    fails(encrypted(result='invalid'), 'accepted')
    fails(encrypted('00' * 256), 'refused')
    skips(encrypted(label='6c'), 'labels')
    skips(encrypted(mgfSha='SHA-1'), 'hash')


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
