#!/usr/bin/python3
"""Makes the vectors of the native formats, with every intermediate value, from docs/FORMAT.md alone.

    generate.py            write the .json files beside this script
    generate.py --check    compare them with what would be written; exit 1 where they differ

Nothing here comes from libbulla: AES and GCM are python3-cryptography's, Argon2id is libsodium's. All "random" bytes are drawn
from SHAKE-256 over a name, so the files are the same on every machine.
"""
import base64
import ctypes
import ctypes.util
import hashlib
import hmac
import json
import os
import struct
import sys
import unicodedata

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HERE = os.path.dirname(os.path.abspath(__file__))
BRANCH, KEYFILE, ENGINE, TEST = 8, 7, 6, 255


def draw(name, n):
    return hashlib.shake_256(b'bulla vectors v1 ' + name.encode()).digest(n)


def u16(n):
    return struct.pack('>H', n)


def u32(n):
    return struct.pack('>I', n)


def u64(n):
    return struct.pack('>Q', n)


def prefixed(data):
    return u16(len(data)) + data


def sha256(*parts):
    return hashlib.sha256(b''.join(parts)).digest()


def hmac256(key, *parts):
    return hmac.new(key, b''.join(parts), hashlib.sha256).digest()


def canonical(pairs):
    raw = sorted((name.encode(), value.encode()) for name, value in pairs)
    return u16(len(raw)) + b''.join(prefixed(name) + prefixed(value) for name, value in raw)


# --- ciphers -----------------------------------------------------------------------------------------------------
def aes(key, block):
    step = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return step.update(block) + step.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def xaes(key, nonce):
    """The derived key of C2SP XAES-256-GCM."""
    subkey = int.from_bytes(aes(key, bytes(16)), 'big') << 1
    if subkey >> 128:
        subkey = (subkey & ((1 << 128) - 1)) ^ 0x87
    subkey = subkey.to_bytes(16, 'big')
    return b''.join(aes(key, xor(subkey, bytes([0, i]) + b'X\0' + nonce[:12])) for i in (1, 2))


def seal_gcm(key, nonce, associated, plain):
    return AESGCM(key).encrypt(nonce, plain, associated)


def seal_xaes(key, nonce, associated, plain):
    return seal_gcm(xaes(key, nonce), nonce[12:], associated, plain)


def argon2id(password, salt, size, passes, memory):
    sodium = ctypes.CDLL(ctypes.util.find_library('sodium') or 'libsodium.so.23')
    out = ctypes.create_string_buffer(size)
    done = sodium.crypto_pwhash(out, ctypes.c_ulonglong(size), password, ctypes.c_ulonglong(len(password)), salt,
                                ctypes.c_ulonglong(passes), ctypes.c_size_t(memory), ctypes.c_int(2))
    assert done == 0
    return out.raw


# --- contexts and values -----------------------------------------------------------------------------------------
USER = [('model_name', 'User'), ('model_id', '42')]
PEOPLE = [('tenant', 'Łódź ☃'), ('model_name', 'users'), ('model_id', '7f3c9d7e-1f57-4c1f-9c5b-3a0f1f0a2b4c')]


def contexts():
    cases = [('empty', []), ('one', [('model_id', '42')]), ('two, sorted by name', USER), ('not ASCII', PEOPLE),
             ('empty value', [('model_id', '')]), ('a prefix sorts first', [('ab', '1'), ('a', '2'), ('B', '3')]),
             ('bytes, not code points', [('ﬀ', '1'), ('𐀀', '2')]),
             ('values that look like separators', [('a', 'x:y'), ('b', 'z')])]
    good = [{'name': name, 'pairs': [list(p) for p in pairs], 'canonical': canonical(pairs).hex()} for name, pairs in cases]
    two = canonical(USER)
    bad = [('nothing', b''), ('cut', two[:-1]), ('bytes behind the end', two + b'\0'), ('too few pairs', u16(3) + two[2:]),
           ('not sorted', u16(2) + prefixed(b'b') + prefixed(b'1') + prefixed(b'a') + prefixed(b'2')),
           ('the same name twice', u16(2) + 2 * (prefixed(b'a') + prefixed(b'1'))),
           ('an empty name', u16(1) + prefixed(b'') + prefixed(b'1')),
           ('a value that is not UTF-8', u16(1) + prefixed(b'a') + prefixed(b'\xff'))]
    return {'format': 'canonical encryption context', 'good': good,
            'bad': [{'name': name, 'bytes': raw.hex()} for name, raw in bad]}


def double(bits):
    return {'kind': 'float', 'bits': bits.hex()}


def integer(n):
    return {'kind': 'integer', 'integer': str(n)}


def text(s):
    return {'kind': 'text', 'bytes': s.encode().hex()}


def binary(raw):
    return {'kind': 'binary', 'bytes': raw.hex()}


def boolean(n):
    return {'kind': 'boolean', 'integer': str(n)}


CLASS = {'integer': 1, 'float': 2, 'text': 3, 'binary': 4}


def typed(kind, value):
    """The bytes that a value of a field's type is sealed as."""
    if value['kind'] == 'integer':
        raw = struct.pack('>q', int(value['integer']))
    elif value['kind'] == 'boolean':
        raw = bytes([int(value['integer'])])
    else:
        raw = bytes.fromhex(value.get('bits', value.get('bytes')))
    return bytes([CLASS[value['kind']]]) + raw if kind == 'any' else raw


def values():
    nan, minus_zero, third = bytes.fromhex('7ff8000000000001'), bytes.fromhex('8000000000000000'), struct.pack('>d', 1 / 3)
    infinity = struct.pack('>d', float('-inf'))
    rows = [('string', text('')), ('string', text('Zażółć gęślą jaźń ☃ 𝄞')),
            ('binary', binary(b'')), ('binary', binary(b'\0\xff\x80')),
            ('boolean', boolean(0)), ('boolean', boolean(1)), ('integer', integer(0)), ('integer', integer(-1)),
            ('integer', integer(2**63 - 1)), ('integer', integer(-2**63)), ('float', double(third)), ('float', double(minus_zero)),
            ('float', double(nan)), ('float', double(infinity)), ('decimal', text('-12345678901234567890.50')),
            ('decimal', text('NaN')), ('decimal', text('1e-7')), ('date', text('2024-02-29')), ('time', text('23:59:60.123456')),
            ('datetime', text('2024-02-29 23:59:59.999999+00')), ('datetime', text('infinity')),
            ('json', text('{"a": [1, null]}')),
            ('inet', text('2001:db8::1/64')), ('array', text('["a","b"]')), ('any', integer(42)), ('any', double(minus_zero)),
            ('any', text('')), ('any', text('mixed')), ('any', binary(b'')), ('any', binary(b'\x01\x02'))]
    return {'format': 'typed values', 'good': [{'type': t, 'value': v, 'sealed_as': typed(t, v).hex()} for t, v in rows],
            'bad': [{'type': 'boolean', 'sealed_as': h} for h in ('', '02', '0001')] +
                   [{'type': 'integer', 'sealed_as': h} for h in ('', '00', '00' * 7, '00' * 9)] +
                   [{'type': 'float', 'sealed_as': '00' * 7}] +
                   [{'type': 'any', 'sealed_as': h} for h in ('', '00', '05', '0100', '02' + '00' * 9)]}


# --- fields ------------------------------------------------------------------------------------------------------
def pad(plain, block):
    if not block:
        return plain
    size = (len(plain) // block + 1) * block
    return plain + b'\x80' + bytes(size - len(plain) - 1)


def field(name, version, model, column, kind, pairs, value, padding=0):
    shared = version == 2
    key, nonce = draw('data key ' + name, 32), draw('nonce ' + name, 24 if shared else 12)
    header = version | (0x40 if value is None else 0x80 if padding else 0)
    plain = b'' if value is None else pad(typed(kind, value), padding)
    context = canonical(pairs)
    names = b''.join(prefixed(logical.encode()) for logical in (model, column, kind))
    associated = b'bulla field v1\0' + bytes([header]) + names + context
    case = {'name': name, 'version': version, 'data_key': key.hex(), 'model': model, 'field': column, 'type': kind,
            'pairs': [list(p) for p in pairs], 'context': context.hex(), 'value': value, 'padding': padding,
            'header': '%02x' % header, 'plaintext': plain.hex(), 'associated': associated.hex(), 'nonce': nonce.hex()}
    if shared:
        case['derived_key'] = xaes(key, nonce).hex()
    seal = seal_xaes if shared else seal_gcm
    case['sealed'] = (bytes([header]) + nonce + seal(key, nonce, associated, plain)).hex()
    case['base64'] = base64.b64encode(bytes.fromhex(case['sealed'])).decode()
    return case


def fields():
    email, wide = text('ann@example.com'), text('Ω' * 300)
    cases = [('record, a text', 1, 'User', 'email', 'string', USER, email),
             ('record, an empty text', 1, 'User', 'email', 'string', USER, text('')),
             ('record, a sealed NULL', 1, 'User', 'email', 'string', USER, None),
             ('record, padded', 1, 'User', 'email', 'string', USER, email, 32),
             ('record, padded, a full block more', 1, 'User', 'email', 'string', USER, text('x' * 32), 32),
             ('record, padded, empty', 1, 'User', 'email', 'string', USER, text(''), 16),
             ('record, an integer', 1, 'User', 'age', 'integer', USER, integer(-7)),
             ('record, of any type', 1, 'people', 'note', 'any', PEOPLE, binary(b'\0\1\2')),
             ('record, longer', 1, 'people', 'note', 'string', PEOPLE, wide),
             ('record, empty context', 1, 'm', 'f', 'binary', [], binary(b'\x80')),
             ('shared, a text', 2, 'User', 'email', 'string', USER, email),
             ('shared, an empty text', 2, 'User', 'email', 'string', USER, text('')),
             ('shared, a sealed NULL', 2, 'User', 'email', 'string', USER, None),
             ('shared, padded', 2, 'User', 'email', 'string', USER, email, 64),
             ('shared, a float', 2, 'people', 'height', 'float', PEOPLE, double(struct.pack('>d', 1.75))),
             ('shared, longer', 2, 'people', 'note', 'string', PEOPLE, wide)]
    return {'format': 'field', 'good': [field(*case) for case in cases]}


# --- wrapped keys ------------------------------------------------------------------------------------------------
def commitment(context, key):
    return sha256(b'bulla commit v1\0', context, key)


def check(commit, name, value):
    return sha256(b'bulla part v1\0', commit, prefixed(name.encode()), prefixed(value.encode()))[:2]


def keyfile_reference(kind, key):
    identity = sha256(b'bulla keyfile id v1\0', key)
    return identity, int.from_bytes(sha256(bytes([kind]), identity)[:8], 'big')


def identity(purpose, scope, parts):
    return bytes([purpose]) + prefixed(scope.encode()) + bytes([len(parts)]) + b''.join(prefixed(p.encode()) for p in parts)


def local_wrap(kind, reference, wrapping_key, branch, commit, data_key):
    associated = b'bulla wrap v1\0' + bytes([kind]) + u64(reference) + prefixed(branch) + commit
    nonce = commit[:24]
    return {'kind': kind, 'reference': '%016x' % reference, 'wrapping_key': wrapping_key.hex(), 'branch': branch.hex(),
            'associated': associated.hex(), 'nonce': nonce.hex(), 'derived_key': xaes(wrapping_key, nonce).hex(),
            'blob': seal_xaes(wrapping_key, nonce, associated, data_key).hex()}


def envelope(first, thirty_two, wraps, checks):
    blobs = [bytes.fromhex(w['blob']) for w in wraps]
    directory = b''.join(bytes([w['kind']]) + bytes.fromhex(w['reference']) + u16(len(b)) for w, b in zip(wraps, blobs))
    head = bytes([first]) + thirty_two + bytes([len(wraps)]) + directory
    return head + bytes([len(checks)]) + b''.join(checks) + b''.join(blobs)


def wrapped(name, pairs, checked, makers):
    key, context = draw('wrapped ' + name, 32), canonical(pairs)
    commit = commitment(context, key)
    wraps = [local_wrap(kind, reference, wrapping, branch, commit, key) for kind, reference, wrapping, branch in makers]
    named = sorted((p for p in pairs if p[0] in checked), key=lambda p: p[0].encode())
    checks = [check(commit, *p) for p in named]
    return {'name': name, 'data_key': key.hex(), 'pairs': [list(p) for p in pairs], 'context': context.hex(),
            'commitment_input': (b'bulla commit v1\0' + context + key).hex(), 'commitment': commit.hex(),
            'checks': [{'name': p[0], 'value': p[1], 'check': c.hex()} for p, c in zip(named, checks)], 'wraps': wraps,
            'bytes': envelope(1, commit, wraps, checks).hex()}


def maker_branch(name, branch):
    return BRANCH, int.from_bytes(draw('version ' + name, 8), 'big'), draw('branch key ' + name, 32), branch


def maker_known(kind, key):
    return kind, keyfile_reference(kind, key)[1], key, b''


TEST_KEY = b'insecure-test-key'.ljust(32, b'\0')


def wrapped_keys():
    user, constant = maker_branch('user', identity(1, 'user:{}', ['42'])), maker_branch('users', identity(1, 'users', []))
    file_key, other = maker_known(KEYFILE, draw('key file', 32)), maker_known(KEYFILE, draw('another key file', 32))
    cases = [('branch, two checks', USER, ('model_name', 'model_id'), [user]),
             ('branch, no check', USER, (), [constant]),
             ('branch, three checks', PEOPLE, ('tenant', 'model_name', 'model_id'), [constant]),
             ('key file', USER, ('model_name', 'model_id'), [file_key]), ('two key files', USER, ('model_id',), [file_key, other]),
             ('test key', USER, ('model_name', 'model_id'), [maker_known(TEST, TEST_KEY)]),
             ('shared: constants only', [('model_name', 'User')], ('model_name',), [constant]),
             ('empty context', [], (), [constant])]
    keys = [('key file', KEYFILE, draw('key file', 32)), ('another key file', KEYFILE, draw('another key file', 32)),
            ('test key', TEST, TEST_KEY)]
    references = [{'name': n, 'kind': k, 'key': key.hex(), 'identity': keyfile_reference(k, key)[0].hex(),
                   'reference': '%016x' % keyfile_reference(k, key)[1]} for n, k, key in keys]
    return {'format': 'wrapped key', 'good': [wrapped(*case) for case in cases], 'references': references}


def box(name, pairs, content, makers):
    thirty_two, context = draw('box ' + name, 32), canonical(pairs)
    wraps = []
    for kind, reference, key, branch in makers:
        associated = b'bulla box v1\0' + bytes([kind]) + u64(reference) + prefixed(branch) + thirty_two + context
        nonce = thirty_two[:24]
        blob = seal_xaes(key, nonce, associated, content)
        wraps.append({'kind': kind, 'reference': '%016x' % reference, 'wrapping_key': key.hex(), 'associated': associated.hex(),
                      'nonce': nonce.hex(), 'derived_key': xaes(key, nonce).hex(), 'blob': blob.hex()})
    named = sorted(pairs, key=lambda p: p[0].encode()) if len(pairs) <= 16 else []
    checks = [check(thirty_two, *p) for p in named]
    whole = envelope(2, thirty_two, wraps, checks)
    return {'name': name, 'pairs': [list(p) for p in pairs], 'context': context.hex(), 'random': thirty_two.hex(),
            'content': content.hex(), 'checks': [c.hex() for c in checks], 'wraps': wraps, 'bytes': whole.hex(),
            'text': 'b1:' + base64.b64encode(whole).decode()}


def boxes():
    file_key, other = maker_known(KEYFILE, draw('key file', 32)), maker_known(KEYFILE, draw('another key file', 32))
    many = [('part%02d' % i, str(i)) for i in range(17)]
    row = USER + [('bulla_field', 'email'), ('bulla_model', 'User'), ('bulla_type', 'string')]
    return {'format': 'box', 'good': [
        box('a password', [('purpose', 'smtp')], b'correct horse', [file_key]), box('empty', [], b'', [file_key]),
        box('two keys', USER, b'\0\1\2', [file_key, other]), box('4096 bytes', USER, draw('content', 4096), [file_key]),
        box('more pairs than checks', many, b'x', [file_key]),
        box('data_key: none', row, b'ann@example.com', [maker_known(TEST, TEST_KEY)])]}


# --- branch keys and indexes -------------------------------------------------------------------------------------
PURPOSES = {1: 'record', 2: 'index', 3: 'shared'}


def branch(purpose, scope, parts, name):
    raw, version = identity(purpose, scope, parts), draw('branch version ' + name, 8).hex()
    hashed = sha256(raw)[:16].hex()
    pairs = [('bulla_branch', name), ('bulla_identity', hashed), ('bulla_purpose', PURPOSES[purpose]), ('bulla_version', version)]
    return {'purpose': purpose, 'scope': scope, 'parts': parts, 'identity': raw.hex(), 'print': name, 'version': version,
            'identity_hash': hashed, 'context': canonical(pairs).hex()}


def branches():
    return {'format': 'branch key', 'good': [
        branch(1, 'users', [], 'users'), branch(1, 'user:{}', ['42'], 'user:42'), branch(1, 'user:{}', ['a:b/c%'], 'user:a%3Ab%2Fc%25'),
        branch(1, '{}-{}', ['x', 'y-z'], 'x-y-z'), branch(1, '{}-{}', ['x-y', 'z'], 'x-y-z'), branch(1, 'user:{}', ['Łódź'], 'user:Łódź'),
        branch(2, 'index', ['User', 'email'], 'index:User/email'), branch(2, 'index', ['User', 'email', '7'], 'index:User/email/7'),
        branch(1, 'index:{}/email', ['users'], 'index:users/email'), branch(2, 'index', ['users', 'email'], 'index:users/email'),
        branch(3, 'data', ['User', ''], 'data:User/'), branch(3, 'data', ['User', 'email'], 'data:User/email')]}


def fold(s):
    return unicodedata.normalize('NFC', unicodedata.normalize('NFC', s).casefold())


def index(name, kind, expression, normalize, value_type, value, bits=128, version=1, index_name='email'):
    key, model = draw('index key', 32), 'User'
    normal = typed(value_type, value)
    if value['kind'] == 'text':
        s = bytes.fromhex(value['bytes']).decode()
        s = fold(s) if normalize == 'lowercase' else s
        s = s[-4:] if expression == 'last4' else s
        normal = (b'\3' if value_type == 'any' else b'') + s.encode()
    ident = ('last4' if expression == 'last4' else 'value') + ('+lowercase' if normalize == 'lowercase' else '')
    x = (b'bulla index v1\0' + prefixed(model.encode()) + prefixed(index_name.encode()) + u32(version) +
         prefixed(ident.encode()) + b'\1' + u32(len(normal)) + normal)
    case = {'name': name, 'kind': kind, 'key': key.hex(), 'model': model, 'index': index_name, 'version': version,
            'expression': expression, 'normalize': normalize, 'expression_id': ident, 'type': value_type, 'value': value,
            'bits': bits, 'normalized': normal.hex(), 'x': x.hex()}
    if kind == 'slow':
        salt = hmac256(key, b'bulla index salt v1')[:16]
        stretched = argon2id(x, salt, 32, 3, 4 << 20)
        case.update(salt=salt.hex(), stretched=stretched.hex())
        full = hmac256(key, b'slow', stretched)
    else:
        full = hmac256(key, x)
    case['hash'] = full.hex()
    case['result'] = full[:bits // 8].hex()
    return case


def indexes():
    ann, strasse = text('Ann@Example.COM'), text('STRASSE ﬁx Σίσυφος É')
    decomposed = text(unicodedata.normalize('NFD', 'strasse ﬁx σίσυφοσ é'))
    return {'format': 'blind index', 'good': [
        index('fast', 'fast', 'none', 'none', 'string', ann),
        index('fast, lowercase', 'fast', 'none', 'lowercase', 'string', ann),
        index('fast, lowercase, not ASCII', 'fast', 'none', 'lowercase', 'string', strasse),
        index('the same letters, decomposed', 'fast', 'none', 'lowercase', 'string', decomposed),
        index('last4', 'fast', 'last4', 'none', 'string', text('123-45-6789'), index_name='ssn_last4'),
        index('last4 of fewer', 'fast', 'last4', 'none', 'string', text('☃x'), index_name='ssn_last4'),
        index('last4, lowercase', 'fast', 'last4', 'lowercase', 'string', text('ÀÉÎÕÜ'), index_name='ssn_last4'),
        index('256 bits, version 2', 'fast', 'none', 'none', 'string', ann, bits=256, version=2),
        index('8 bits', 'fast', 'none', 'none', 'string', ann, bits=8),
        index('empty', 'fast', 'none', 'none', 'string', text('')),
        index('an integer', 'fast', 'none', 'none', 'integer', integer(-7), index_name='age'),
        index('any: a text', 'fast', 'none', 'lowercase', 'any', ann),
        index('any: an integer', 'fast', 'none', 'none', 'any', integer(42)),
        index('slow', 'slow', 'none', 'none', 'string', ann),
        index('slow, lowercase', 'slow', 'none', 'lowercase', 'string', ann)]}


# --- the engine --------------------------------------------------------------------------------------------------
def kbkdf(key, label, context, size):
    blocks = [hmac256(key, u32(i), label, b'\0', context, u32(8 * size)) for i in range(1, (size + 31) // 32 + 1)]
    return b''.join(blocks)[:size]


def hkdf(key, salt, info):
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key)


def engine_blob(name, material, uuid, material_id, pairs, plain):
    nonce, context = draw('engine nonce ' + name, 16), canonical(pairs)
    derived = kbkdf(material, b'bulla kms v1', nonce, 44)
    head = b'\xb5\x01' + uuid + material_id + nonce
    blob = head + seal_gcm(derived[:32], derived[32:], head + context, plain)
    return {'name': name, 'nonce': nonce.hex(), 'context': context.hex(), 'derived': derived.hex(),
            'associated': (head + context).hex(), 'plaintext': plain.hex(), 'blob': blob.hex()}


def engine():
    root, material, account = draw('root key', 32), draw('material', 32), b'000000000000'
    uuid = bytearray(draw('uuid', 16))
    uuid[6], uuid[8] = uuid[6] & 0x0f | 0x40, uuid[8] & 0x3f | 0x80
    uuid = bytes(uuid)
    subkeys = {use: hkdf(root, b'bulla root v1', use.encode()) for use in ('material wrap', 'row mac', 'canary', 'log seed')}
    commit = sha256(b'bulla material v1\0', uuid, material)
    material_id = sha256(b'bulla material id v1\0', commit)[:8]
    associated = b'bulla material wrap v1\0' + uuid + material_id + b'\1\1' + prefixed(account)
    nonce = draw('material nonce', 24)
    sealed = seal_xaes(subkeys['material wrap'], nonce, associated, material)
    payload = b'\1\1\1' + u64(1700000000000000) + commit + nonce + sealed
    row = b'\1' + u64(3) + payload
    row_id = uuid + material_id
    row += hmac256(subkeys['row mac'], b'bulla row v1\0', b'\3', prefixed(row_id), row)
    salt = draw('canary salt', 16)
    derived = xaes(subkeys['material wrap'], nonce)
    return {'format': 'engine', 'root_key': root.hex(), 'subkeys': {use: key.hex() for use, key in subkeys.items()},
            'uuid': uuid.hex(), 'material': material.hex(), 'commitment': commit.hex(), 'material_id': material_id.hex(),
            'account': account.decode(), 'canary_salt': salt.hex(),
            'canary': hmac256(subkeys['canary'], b'bulla canary v1\0', salt).hex(),
            'wrapped': {'associated': associated.hex(), 'nonce': nonce.hex(), 'derived_key': derived.hex(),
                        'sealed': sealed.hex(), 'row_id': row_id.hex(), 'row': row.hex()},
            'good': [engine_blob('a data key', material, uuid, material_id, USER, draw('plain', 32)),
                     engine_blob('nothing', material, uuid, material_id, [], b''),
                     engine_blob('4096 bytes', material, uuid, material_id, PEOPLE, draw('long', 4096))]}


FILES = {'context': contexts, 'value': values, 'field': fields, 'wrapped_key': wrapped_keys, 'box': boxes,
         'branch': branches, 'index': indexes, 'engine': engine}


def main():
    differing = []
    for name, make in FILES.items():
        path = os.path.join(HERE, name + '.json')
        made = json.dumps(make(), indent=1, ensure_ascii=False) + '\n'
        if '--check' not in sys.argv:
            with open(path, 'w', encoding='utf-8') as file:
                file.write(made)
            continue
        with open(path, encoding='utf-8') as file:
            if file.read() != made:
                differing.append(name)
    if differing:
        print('these vectors are not what generate.py makes: ' + ', '.join(differing))
    return 1 if differing else 0


if __name__ == '__main__':
    sys.exit(main())
