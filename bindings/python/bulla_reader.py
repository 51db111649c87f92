#!/usr/bin/python3
"""Reads what bulla sealed, without bulla: docs/FORMAT.md in 200 lines of Python, with python3-cryptography and nothing else.

    bulla_reader.py --db app.db --table users --pk id --model User --store .bulla/kms.db --root-key .bulla/root.key
    bulla_reader.py --db app.db --table users --pk id --key users.key --field email:string --field age:integer

prints each record as a line of JSON. Fields are the columns *_ciphertext of type any, unless --field NAME[:TYPE] names them; the
context is model_name and model_id, unless --context NAME=VALUE gives it, with {column} in VALUE; keys are the local store with its
root key (a `file:`), or a file as `file:PATH` has it. Nothing is written; every commitment is checked.
"""
import argparse, base64, hashlib, hmac, json, math, pathlib, re, sqlite3, struct, sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ENGINE, KEYFILE, BRANCH, PURPOSES = 6, 7, 8, {1: 'record', 2: 'index', 3: 'shared'}

class Wrong(Exception):
    """What does not open. The text holds no value."""

def sha256(*parts):
    return hashlib.sha256(b''.join(parts)).digest()

def mac(key, *parts):
    return hmac.new(key, b''.join(parts), hashlib.sha256).digest()

def prefixed(data):
    return struct.pack('>H', len(data)) + data

def pairs_of(context):
    return sorted((name.encode(), value.encode()) for name, value in context.items())

def canonical(context):
    pairs = pairs_of(context)
    return struct.pack('>H', len(pairs)) + b''.join(prefixed(name) + prefixed(value) for name, value in pairs)

def gcm_open(key, nonce, associated, sealed):
    return AESGCM(key).decrypt(nonce, sealed, associated)

def xaes_open(key, nonce, associated, sealed):
    """C2SP XAES-256-GCM: AES-256-GCM with half of the nonce, under a key derived from the other half."""
    aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    k1 = int.from_bytes(aes.update(bytes(16)), 'big') << 1
    k1 = ((k1 ^ 0x87) & ((1 << 128) - 1) if k1 >> 128 else k1).to_bytes(16, 'big')
    blocks = b''.join(bytes(x ^ y for x, y in zip(bytes([0, i]) + b'X\0' + nonce[:12], k1)) for i in (1, 2))
    return gcm_open(aes.update(blocks), nonce[12:], associated, sealed)

def open_field(key, model, field, kind, context, sealed):
    """`kind` is the type's name, `context` the whole context of the row."""
    header, size = sealed[0], {1: 12, 2: 24}.get(sealed[0] & 0x3f)
    if size is None or header & 0xc0 == 0xc0:
        raise Wrong('an unknown version of a field')
    names = b''.join(prefixed(name.encode()) for name in (model, field, kind))
    associated = b'bulla field v1\0' + bytes([header]) + names + canonical(context)
    plain = (gcm_open if size == 12 else xaes_open)(key, sealed[1:1 + size], associated, sealed[1 + size:])
    plain, mark, zeros = plain.rpartition(b'\x80') if header & 0x80 else (plain, b'\x80', b'')
    if not mark or zeros.strip(b'\0') or (header & 0x40 and plain):
        raise Wrong('wrong padding, or a sealed NULL that is not empty')
    return None if header & 0x40 else read_value(kind, plain)

def read_value(kind, plain):
    if kind == 'any':
        kind, plain = {1: 'integer', 2: 'float', 3: 'string', 4: 'binary'}[plain[0]], plain[1:]
    if kind in ('integer', 'float'):
        return struct.unpack('>q' if kind == 'integer' else '>d', plain)[0]
    if kind == 'boolean':
        return {b'\0': False, b'\1': True}[plain]
    return plain if kind == 'binary' else plain.decode(errors='surrogateescape')  # type any keeps text that is none

def parse(data):
    """Byte 0, the 32 bytes behind it, the checks, and kind, reference and blob of each wrap."""
    directory = [struct.unpack('>B8sH', data[34 + 11 * i:45 + 11 * i]) for i in range(data[33])]
    at, wraps = 34 + 11 * len(directory), []
    checks = [data[at + 1 + 2 * i:at + 3 + 2 * i] for i in range(data[at])]
    at += 1 + 2 * len(checks)
    for kind, reference, size in directory:
        wraps.append((kind, reference, data[at:at + size]))
        at += size
    if at != len(data):
        raise Wrong('a wrapped key that is cut off, or has bytes behind its end')
    return data[0], data[1:33], checks, wraps

class Keys:
    """What a reader has: (kind, key) of key files, and a local store with the root key that opens it."""

    def __init__(self, files=(), store=None, root=None):
        self.files = {(kind, sha256(bytes([kind]), sha256(b'bulla keyfile id v1\0', key))[:8]): key for kind, key in files}
        self.store = store and sqlite3.connect('file:%s?mode=ro' % store, uri=True)
        self.subkeys = {use: mac(mac(b'bulla root v1', root), use, b'\1') for use in (b'material wrap', b'row mac') if root}  # HKDF
        self.opened = {}

    def unwrap(self, data, context):
        """The data key in a wrapped key."""
        version, commitment, checks, wraps = parse(data)
        for kind, reference, blob in wraps if version == 1 else ():
            key = self.open_wrap(kind, reference, blob, commitment, context)
            if key and hmac.compare_digest(sha256(b'bulla commit v1\0', canonical(context), key), commitment):
                return key
        found = [sha256(b'bulla part v1\0', commitment, prefixed(name), prefixed(value))[:2] for name, value in pairs_of(context)]
        names = [pair[0].decode() for pair, a, b in zip(pairs_of(context), found, checks) if a != b and len(found) == len(checks)]
        raise Wrong('no key opens it' + ('; the context differs in ' + ', '.join(names) if names else ''))

    def open_wrap(self, kind, reference, blob, commitment, context):
        try:
            if kind == ENGINE:
                return self.engine(blob, canonical(context))
            key, branch = self.branch(reference) if kind == BRANCH else (self.files.get((kind, reference)), b'')
            label = b'bulla wrap v1\0' + bytes([kind]) + reference + prefixed(branch) + commitment
            return key and xaes_open(key, commitment[:24], label, blob)
        except (Wrong, InvalidTag, ValueError):
            return None

    def branch(self, version):
        """The branch key of that version and its identity; it is wrapped like a data key, under a context of its own."""
        if version not in self.opened:
            sql = 'SELECT identity, print, wrapped FROM bulla_branch WHERE version = ? AND state < 3'
            row = self.store and self.store.execute(sql, struct.unpack('>q', version)).fetchone()
            if not row:
                raise Wrong('no such branch key')
            context = {'bulla_branch': row[1], 'bulla_identity': sha256(row[0])[:16].hex(), 'bulla_purpose': PURPOSES[row[0][0]],
                       'bulla_version': version.hex()}
            self.opened[version] = self.unwrap(row[2], context), row[0]
        return self.opened[version]

    def engine(self, blob, context):
        """Key and nonce of one call come from the key's material; the associated data is the head, then the context."""
        head, material = blob[:42], self.material(blob[2:18], blob[18:26])
        call = b''.join(mac(material, struct.pack('>I', i), b'bulla kms v1\0', head[26:], struct.pack('>I', 352)) for i in (1, 2))
        return gcm_open(call[:32], call[32:44], head + context, blob[42:])

    def material(self, uuid, version):
        row, key = self.row(3, uuid + version), self.row(2, uuid)
        account = key[40:42 + int.from_bytes(key[40:42], 'big')]
        label = b'bulla material wrap v1\0' + uuid + version + row[1:3] + account
        return xaes_open(self.subkeys[b'material wrap'], row[43:67], label, row[67:])

    def row(self, table, name):
        found = self.store and self.store.execute('SELECT data FROM bulla_kms WHERE kind = ? AND id = ?', (table, name)).fetchone()
        key = self.subkeys.get(b'row mac', b'')
        if not found or mac(key, b'bulla row v1\0', bytes([table]), prefixed(name), found[0][:-32]) != found[0][-32:]:
            raise Wrong('a row of the key store is missing or was changed')
        return found[0][9:-32]

def read_key(path):
    """A root key file, or a key file: 32 bytes, 64 hexadecimal digits or 44 characters of base64."""
    raw = pathlib.Path(path).read_bytes()
    digits = re.search(rb'^(?:bulla-root-key-1 )?([0-9a-fA-F]{64})\b', raw, re.M)
    return raw if len(raw) == 32 else bytes.fromhex(digits[1].decode()) if digits else base64.b64decode(raw.strip(), validate=True)

def shown(value):
    if isinstance(value, str) and value.encode(errors='replace').decode() != value:
        value = value.encode(errors='surrogateescape')
    if isinstance(value, float) and not math.isfinite(value):
        return '-Infinity' if value < 0 else 'Infinity'
    return {'base64': base64.b64encode(value).decode()} if isinstance(value, bytes) else value

def read_record(keys, row, model, template, fields):
    """{field: value} of a row (column to content); `template` is the context with {column} in its values."""
    texts = {column: value.hex() if isinstance(value, bytes) else str(value) for column, value in row.items()}
    context = {name: re.sub(r'\{(.*?)\}', lambda column: texts[column[1]], text) for name, text in template.items()}
    constants, record = {name: text for name, text in template.items() if '{' not in text}, {}
    for field, kind in fields.items():
        sealed = row[field + '_ciphertext']
        sealed = base64.b64decode(sealed, validate=True) if isinstance(sealed, str) else sealed
        if sealed is not None:  # a key of many rows (version 2) is bound to the constants alone
            wrapped = row.get('encrypted_kms_key_' + field, row.get('encrypted_kms_key'))
            key = keys.unwrap(wrapped, constants if sealed[0] & 0x3f == 2 else context)
        record[field] = None if sealed is None else open_field(key, model, field, kind, context, sealed)
    return record

def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('--db', '--table', '--pk', '--model', '--key', '--store', '--root-key'):
        options.add_argument(name, required=name in ('--db', '--table', '--pk'))
    for name in ('--context', '--field'):
        options.add_argument(name, action='append', default=[])
    given = options.parse_args()
    model, columns, failed = given.model or given.table, given.pk.split(','), 0
    ids = {'model_id' if len(columns) == 1 else 'model_id.' + column: '{%s}' % column for column in columns}
    template = dict(pair.split('=', 1) for pair in given.context) or {'model_name': model, **ids}
    keys = Keys([(KEYFILE, read_key(given.key))] if given.key else (), given.store, given.root_key and read_key(given.root_key))
    table, *order = ['"%s"' % name.replace('"', '""') for name in (given.table, *columns)]
    database = sqlite3.connect('file:%s?mode=ro' % given.db, uri=True)
    database.text_factory = lambda text: text.decode(errors='surrogateescape')
    cursor = database.execute('SELECT * FROM %s ORDER BY %s' % (table, ', '.join(order)))
    names = [column[0] for column in cursor.description]
    fields = dict((text + ':any').split(':')[:2] for text in given.field) or {n[:-11]: 'any' for n in names if n.endswith('_ciphertext')}
    for values in cursor:
        row = dict(zip(names, values))
        try:
            record = read_record(keys, row, model, template, fields)
            print(json.dumps({name: shown(value) for name, value in {**{c: row[c] for c in columns}, **record}.items()}, ensure_ascii=False))
        except (Wrong, InvalidTag, ValueError, LookupError, TypeError, struct.error) as error:
            failed += 1
            print('%s: %s' % (','.join(str(row[c]) for c in columns), str(error) or 'changed data'), file=sys.stderr)
    return 3 if failed else 0

if __name__ == '__main__':
    sys.exit(main())
