#!/usr/bin/python3
"""Write the inputs that fuzzing begins with into fuzz/corpus/TARGET: from tests/vectors/native, the documents, the manual pages and the
tests of this repository, and a few made here. What is there already stays.

    fuzz/seeds.py
"""
import glob
import hashlib
import json
import os
import re
import struct

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
SIZE_MAX = 4096  # longer ones teach nothing more


def vectors(name):
    with open(f'tests/vectors/native/{name}.json', encoding='utf-8') as file:
        return json.load(file)


def text_of(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def hex_of(node, *members):
    """Every such member of a tree, as bytes."""
    if isinstance(node, list):
        for child in node:
            yield from hex_of(child, *members)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name in members and isinstance(value, str):
                yield bytes.fromhex(value)
            else:
                yield from hex_of(value, *members)


def piece(data):
    return struct.pack('>H', len(data)) + data


def change(kind, at, n, tail=b''):
    """One step of fuzz/mutate.h."""
    return struct.pack('>BHBH', kind, at, n, 0) + tail


# --- what each target is given ---------------------------------------------------------------------------------------

def fields():
    yield from hex_of(vectors('field'), 'sealed', 'bytes', 'plaintext', 'padded')
    yield from (b'a value\x80', b'a value\x80' + bytes(8), bytes(16), b'\x41' + bytes(28), b'\x82' + bytes(40))


def values():
    for case in vectors('value')['good'] + vectors('value')['bad']:
        yield bytes.fromhex(case['sealed_as'])


def wrapped_keys():
    yield from hex_of(vectors('wrapped_key'), 'bytes')
    yield from hex_of(vectors('box'), 'bytes')


def boxes():
    yield from hex_of(vectors('box'), 'bytes', 'content')
    for case in vectors('box')['good']:
        yield case['text'].encode()


def inspected():
    for data in [*fields(), *wrapped_keys(), *hex_of(vectors('engine'), 'blob')]:
        yield data
        yield data.hex().encode()


def local_wraps():
    for blob in hex_of(vectors('wrapped_key'), 'blob'):
        yield struct.pack('>BQ', 8, 77) + piece(b'users') + blob


def contexts():
    yield from hex_of(vectors('context'), 'canonical', 'bytes')
    yield b'\x02id' + piece(b'42') + b'\x01a' + piece('\u00e9'.encode())


def branches():
    yield from hex_of(vectors('branch'), 'identity')


def texts():
    for text in ('', '00ff', '00FF', '0', 'Zg==', 'Zm8=', 'Zm9v', 'Zg=', 'Zm9v\n', '250ms', '300s', '5m', '1h', '2d', '99999999999999999999d', '0s'):
        yield text.encode()
    yield from (b'\xc3\xa9', b'\xf0\x9f\x90\x82', b'\xed\xa0\x80', b'\xc0\x80', b'\xf4\x90\x80\x80', b'\xe2\x82')


def foldable():
    for text in ('Ann@Example.ORG', 'Stra\u00dfe', 'I\u0307stanbul', '\ufb01', 'e\u0301', '\u03a3\u03c2', '\u1e9b\u0323', '\u0345\u03b1', '\u1f82'):
        yield text.encode()


def yaml_blocks():
    for path in sorted(glob.glob('docs/*.md')):
        yield from (block.encode() for block in re.findall(r'```yaml\n(.*?)```', text_of(path), re.S))


def yamls():
    yield from yaml_blocks()
    for text in ('a: &x [1, 2]\nb: *x\n', 'a: ${SET}\nb: ${UNSET}\nc: ${EMPTY}\n', '- "\\u00e9"\n- |\n  text\n- >\n  more\n', '{a: 1, a: 2}', '!!str x',
                 '? [a]\n: b\n', '<<: {a: 1}\n', '%YAML 1.1\n---\na\n...\n', 'a:\n  - b: c\n    d: ~\n', '\ufeffa: b', '$${x}'):
        yield text.encode()


def schemas():
    model = 'version: 1\nmodels:\n  users:\n    %s\n    fields: { email: { type: string }, phone: { type: any } }\n'
    yield from yaml_blocks()
    for line in ('branch_key: { name: "user:{id}" }', 'data_key: table\n    branch_key: { name: users }', 'data_key: none', 'primary_key: [a, b]',
                 'context: { model_name: User, model_id: "{id}", tenant: "{tenant_id}:{id}" }', 'data_key: field', 'migrating: true\n    read: plaintext',
                 'database: other', 'insert: two_step\n    reseal: record'):
        yield (model % line).encode()
    for field in ('padding: 16', 'null: sealed', 'index: { }', 'index: { bits: 64, kind: slow, normalize: lowercase, expression: last4 }',
                  'index: { scope: tenant_id, unique: true, version: 2, previous: { version: 1 } }', 'encode: base64', 'column: c, plaintext: p'):
        yield ('version: 1\nmodels: { pair: { primary_key: [a, b], branch_key: { name: x }, fields: { secret: { type: string, %s } } } }\n' % field).encode()


def templates():
    return (text.encode() for text in ('user:{id}', '{tenant_id}', 'User', '', '{', '}', '{}', '{a}{b}{a}', 'x{a}y{b}z', '{a b}', '{{a}}'))


def jsons():
    for text in ('{}', '[]', 'null', 'true', '[1,-0,1.5,1e300,-9223372036854775808]', '{"a":{"b":["c",{"d":null}]}}', '"\\u00e9\\ud83d\\ude00"',
                 '{"a":1,"a":2}', '[[[[[[[[]]]]]]]]', '"\\u0000"', '1.0', '[1e-320,0.1,123456789012345678]', '"\\ud800"', ' [ 1 , 2 ] '):
        yield text.encode()


def notes():
    root = 'A' * 43 + '='
    text = f'bulla/0123abcd\n300\n{root}\ngeneration 7\n'
    signature = '\u2014 bulla/0123abcd ' + 'A' * 91 + '=\n'
    yield f'{text}\n{signature}'.encode()
    yield f'{text}\n{signature}\u2014 other AAAAAA==\n'.encode()
    yield f'{text}\n{signature}{text}\n{signature}'.encode()
    yield b'a text\n\n\xe2\x80\x94 n AAAAAAAA\n'


def events():
    context = next(iter(hex_of(vectors('context'), 'canonical')))
    for when in (1780000000000000, 0, 2**63 - 1):
        yield struct.pack('>QQB', when, 7, 3) + b''.join(map(piece, (b'Decrypt', b'ok', b'local:1000/ann@host', b'alias/one', b'\1\2', context, b'id'))) + b'why'


def shown_events():
    yield (b'{"eventTime":"2026-11-21T19:05:00.000000Z","eventName":"Decrypt","principal":"local:1000/a@h","key":"arn:aws:kms:local:000000000000:key/x",'
           b'"material":"0102","encryptionContext":{"model_id":"42"},"requestID":"r","outcome":"ok","generation":7,"count":3,"detail":"why"}')
    yield b'{"eventName":1,"encryptionContext":[],"count":-1,"key":"alias/one"}'
    yield b'{"detail":"\\u001b[2J\\u202e\\u0085"}'


def frames():
    head = struct.pack('>BQIQ', 0x42, 256, 2, 100) + piece(b'a note\n\n') + bytes(64)
    entries = piece(b'{"entry":1}') + piece(b'')
    yield piece(head) + piece(entries) + b'blj1'
    yield b'blj1' + bytes(60)
    yield piece(b'A' + head[1:]) + piece(entries)


def rows():
    whole = struct.pack('>BBBBQQIQ', 1, 1, 1, 1, 5, 0, 90, 7) + bytes(8) + piece(b'000000000000') + piece(b'local') + piece(b'a key')
    yield from (whole, b'\2' + whole[1:] + bytes(8))
    yield struct.pack('>BBBQ', 1, 1, 1, 5) + bytes(32 + 24 + 48)
    yield b'\1' + bytes(16) + struct.pack('>QQ', 5, 6)
    yield b'\1' + piece(b'file') + bytes(16 + 32)
    yield b'\1' + bytes(24 + 48)
    yield b'\1' + struct.pack('>I', 7) + bytes(32)
    yield b'\2' + piece(bytes(16)) + b'\1' + bytes(8 + 32)
    for row in hex_of(vectors('engine'), 'row'):
        yield b'\3' + piece(bytes(24)) + row


def root_keys():
    key = bytes(range(32))
    check = hashlib.sha256(key).hexdigest()[:8]
    yield f'# a comment\n\nbulla-root-key-1 {key.hex()} {check}\n'.encode()
    yield f'bulla-root-key-1 {key.hex()} {check}\r\n'.encode()
    yield f'bulla-root-key-2 {key.hex()} {check}\n'.encode()
    yield b'passphrase-1 argon2id m=65536 t=3 p=4 salt=' + b'00' * 16
    yield b'passphrase-2 x'


def key_ids():
    uuid = '1c6123a9-ded0-4cc7-a2b4-e0fae32d2a8d'
    for text in (uuid, f'arn:aws:kms:local:000000000000:key/{uuid}', 'alias/one', 'arn:aws:kms:eu-central-1:123456789012:alias/a/b', 'local', 'local/alias/x',
                 'file:key', 'env:KEY', 'insecure-test-key', 'insecure-test-key/encrypt', 'alias/aws/x', 'vault/a', 'gs://x', '0' * 64, 'A' * 43 + '=',
                 '0123456789abcdef' * 2):
        yield text.encode()


def statements():
    """SQL of the tests, and some of the ways in which it can be written."""
    for path in sorted(glob.glob('tests/unit/db/test_*.c')):
        for found in re.findall(r'"(CREATE (?:TABLE|TRIGGER|INDEX|UNIQUE INDEX|VIEW) (?:[^"\\]|\\.)*)"', text_of(path)):
            yield found.replace('\\"', '"').replace('\\n', '\n').split(';')[0].encode()
    for sql in ('CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT DEFAULT (\'a,b)\') CHECK(email <> "id"), [o d] x, `q` y)',
                'CREATE TABLE "a""b"(email TEXT, -- one, two\n/* three ( */ name TEXT, PRIMARY KEY(email, name)) WITHOUT ROWID',
                'CREATE TABLE t(a, b CONSTRAINT c CHECK(a > b) CONSTRAINT d CHECK(b > a) NOT NULL, UNIQUE(a) CHECK(b))',
                'CREATE TABLE t(email AS (lower(name)) STORED, name, FOREIGN KEY(name) REFERENCES u(email) ON DELETE CASCADE)',
                'CREATE TABLE t("check" TEXT, "unique", \'primary\' INT, email TEXT COLLATE NOCASE REFERENCES x(y))',
                'CREATE TRIGGER IF NOT EXISTS main.x AFTER UPDATE OF email, "name" ON t BEGIN SELECT 1; END',
                'CREATE INDEX i ON t(email, lower(name)) WHERE email IS NOT NULL'):
        yield sql.encode()


def originals():
    then = b'CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL, phone, "o""d d" REAL, CHECK(email <> phone))'
    now = b'CREATE TABLE users(id INTEGER PRIMARY KEY, email_ciphertext BLOB, phone_ciphertext, encrypted_kms_key BLOB)'
    yield b'\x1e'.join((then, now, b'["id","email","phone","o\\"d d"]', b'CHECK(email <> phone)', b'UNIQUE(gone)'))
    yield b'\x1e'.join((then, b'CREATE TABLE users(id INTEGER PRIMARY KEY, new)', b'[1,"id",null]'))


def reports():
    yield b'{"report":"bulla verification","rows":17}'
    yield change(0, 40, 3) + change(3, 200, 9, b',"rows":99')
    yield change(5, 30, 0)
    yield b'{"a":",\\"signature\\":"}'


def command_lines():
    for path in sorted(glob.glob('man/*.scd')):
        for line in re.findall(r'^\s*\$? ?bulla (.*)$', text_of(path), re.M):
            yield '\n'.join(re.findall(r'[^\s*_\\]+', line)).encode()
    for line in ('get users 7,42 --json', 'audit lookup --since 2d --until 2026-11-21 --context model_id=42 --operation Decrypt', 'rotate users --wrap',
                 'init --table users --fields email,phone --index email', 'apply users --workers=3 --settle 1h -q', 'key rotate -- x', 'pln', 'key'):
        yield '\n'.join(line.split(' ')).encode()


def times():
    for text in ('2026-11-21', '2026-11-21T19:05', '2026-11-21T19:05:00', '2026-11-21T19:05:00.5Z', '2026-11-21T19:05:00.123456Z', '90m', '2d', '9999999999d'):
        yield text.encode()


def personal():
    for text in re.findall(r'"((?:[^"\\]|\\.)*)"', text_of('tests/unit/db/test_detect.c')):
        if 1 < len(text) < 60 and '\\' not in text and '%' not in text:
            yield text.encode()


def bookkeeping():
    yield b'\2' + b'\1' + struct.pack('>q', -7) + b'\3' + struct.pack('>Q', 3) + b'abc'
    yield b'\3' + b'\2' + struct.pack('>d', 1.5) + b'\0' + b'\4' + struct.pack('>Q', 1) + b'\xff'
    for n, text in ((1, '[7]'), (2, '["a",42]'), (3, '[{"hex":"00ff"},null,1.5]'), (1, '[{"hex":"0"}]'), (2, '[true,{}]')):
        yield bytes([n]) + text.encode()


def mutations():
    for kind in range(7):
        for header in range(5 if kind == 0 else 1):
            start = bytes([kind]) + (bytes([header]) if kind == 0 else b'')
            yield start
            yield start + change(0, 3, 1)
            yield start + change(2, 9, 5)
            yield start + change(3, 9, 4, b'more')
            yield start + change(5, 20, 0)


def changed_logs():
    for file in range(8):
        yield bytes([file]) + piece(change(0, 50, 1))
        yield bytes([file]) + piece(change(6, 30, 0))
        yield bytes([file]) + piece(change(5, 100, 0))


def changed_snapshots():
    for row in range(9):
        yield bytes(row) + b'\2' + piece(change(1, 1, 2)) + bytes(9)
        yield bytes(row) + b'\5' + bytes(9)
        yield bytes(row) + b'\4' + piece(change(3, 0, 1, b'x')) + bytes(9)


def changed_stores():
    for at in (0, 18, 24, 60, 68, 96, 100, 105, 4096, 8192 + 100):
        yield b'\0' + struct.pack('>IB', at, 2) + b'\xff\xff'
    yield b'\xffSQLite format 3\0' + bytes(90)
    yield b'\0' + struct.pack('>IB', 5000, 0)


TARGETS = {
    'blob': lambda: hex_of(vectors('engine'), 'blob'), 'bookkeeping': bookkeeping, 'box': boxes, 'branch': branches, 'command_line': command_lines,
    'context': contexts, 'detect': personal, 'event': events, 'events': shown_events, 'field': fields, 'fold': foldable, 'frame': frames,
    'inspect': inspected, 'json': jsons, 'key_id': key_ids, 'local_wrap': local_wraps, 'log': changed_logs, 'mutated': mutations, 'note': notes,
    'original': originals, 'plan': schemas, 'report': reports, 'root_key': root_keys, 'rows': rows, 'schema': schemas, 'snapshot': changed_snapshots,
    'sql_text': statements, 'store': changed_stores, 'template': templates, 'text': texts, 'time': times, 'value': values,
    'wrapped_key': wrapped_keys, 'yaml': yamls,
}


def main():
    os.chdir(ROOT)
    for target, seeds in TARGETS.items():
        os.makedirs(f'fuzz/corpus/{target}', exist_ok=True)
        for data in seeds():
            if len(data) > SIZE_MAX:
                continue
            with open(f'fuzz/corpus/{target}/{hashlib.sha1(data).hexdigest()}', 'wb') as file:
                file.write(data)


if __name__ == '__main__':
    main()
