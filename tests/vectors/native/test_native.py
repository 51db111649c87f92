"""The vectors of the native formats are what their generator makes, and the reader of bindings/python reads them."""
import json
import os
import struct
import subprocess
import sys

import tap
import tree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(tree.ROOT, 'bindings', 'python'))


def reader():
    try:
        import bulla_reader
    except ImportError as error:
        raise tap.Skip('%s: install python3-cryptography' % error)
    return bulla_reader


def vectors(name):
    with open(os.path.join(HERE, name + '.json'), encoding='utf-8') as file:
        return json.load(file)


def value_of(value):
    """A vector's value as Python has it; a NaN as its bytes."""
    if value is None:
        return None
    if value['kind'] == 'integer':
        return int(value['integer'])
    if value['kind'] == 'boolean':
        return value['integer'] == '1'
    raw = bytes.fromhex(value.get('bits', value.get('bytes')))
    return raw.decode() if value['kind'] == 'text' else raw


def same(read, value):
    return (struct.pack('>d', read) if isinstance(read, float) else read) == value_of(value)


def refuses(call, *args):
    try:
        call(*args)
    except Exception:  # whatever it is, it does not open
        return True
    return False


def test_the_generator_makes_these_files():
    reader()
    command = [sys.executable, os.path.join(HERE, 'generate.py'), '--check']
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_fields():
    read = reader()
    for v in vectors('field')['good']:
        args = [bytes.fromhex(v['data_key']), v['model'], v['field'], v['type'], dict(v['pairs']), bytes.fromhex(v['sealed'])]
        assert same(read.open_field(*args), v['value']), v['name']
        for i in range(1, 5):  # another model, field, type, row
            moved = list(args)
            moved[i] = {'moved': 'x'} if i == 4 else 'moved'
            assert refuses(read.open_field, *moved), v['name']
        for bit in range(0, 8 * len(args[5]), 7):
            changed = bytearray(args[5])
            changed[bit // 8] ^= 1 << bit % 8
            assert refuses(read.open_field, *args[:5], bytes(changed)), v['name']


def test_contexts_and_values():
    read = reader()
    for v in vectors('context')['good']:
        assert read.canonical(dict(v['pairs'])).hex() == v['canonical'], v['name']
    for v in vectors('value')['good']:
        assert same(read.read_value(v['type'], bytes.fromhex(v['sealed_as'])), v['value']), v
    for v in vectors('value')['bad']:
        assert refuses(read.read_value, v['type'], bytes.fromhex(v['sealed_as'])), v


def complaint(read, keys, data, context):
    try:
        keys.unwrap(data, context)
    except read.Wrong as wrong:
        return str(wrong)
    return ''


def test_wrapped_keys():
    read = reader()
    for v in vectors('wrapped_key')['good']:
        files = [(w['kind'], bytes.fromhex(w['wrapping_key'])) for w in v['wraps'] if w['kind'] != read.BRANCH]
        keys = read.Keys(files)
        for w in v['wraps']:  # branch keys, as the store would give them
            keys.opened[bytes.fromhex(w['reference'])] = bytes.fromhex(w['wrapping_key']), bytes.fromhex(w['branch'])
        context, data = dict(v['pairs']), bytes.fromhex(v['bytes'])
        assert keys.unwrap(data, context).hex() == v['data_key'], v['name']
        assert refuses(keys.unwrap, data, {**context, 'more': 'x'}), v['name']
        for name in context if len(v['checks']) == len(context) else ():
            said = complaint(read, keys, data, {**context, name: context[name] + 'x'})
            assert said.endswith('the context differs in ' + name), v['name']
        assert refuses(keys.unwrap, data[:-1], context) and refuses(keys.unwrap, data + b'x', context), v['name']


def test_engine_blobs():
    read, v = reader(), vectors('engine')
    row = bytes.fromhex(v['wrapped']['row'])
    key_row = bytes(40) + len(v['account']).to_bytes(2, 'big') + v['account'].encode()

    class Rows(read.Keys):
        def row(self, table, name):
            if table == 2:
                return key_row
            mac = read.mac(self.subkeys[b'row mac'], b'bulla row v1\0', bytes([table]), read.prefixed(name), row[:-32])
            assert name.hex() == v['wrapped']['row_id'] and mac == row[-32:]
            return row[9:-32]

    keys = Rows(root=bytes.fromhex(v['root_key']))
    for b in v['good']:
        blob, context = bytes.fromhex(b['blob']), bytes.fromhex(b['context'])
        assert keys.engine(blob, context).hex() == b['plaintext'], b['name']
        assert refuses(keys.engine, blob, context + b'x'), b['name']


if __name__ == '__main__':
    sys.exit(tap.run(sys.modules[__name__]))
