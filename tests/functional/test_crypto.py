"""Back ends of AES-GCM: what one wrote the other reads, and one that is forced and is not there is an error that says so."""
import json

import harness

OPENSSL, IPSEC_MB = {'BULLA_CRYPTO': 'openssl'}, {'BULLA_CRYPTO': 'ipsec-mb'}


class BackEnds(harness.People):
    def crypto(self, env=None):
        return json.loads(self.bulla('version', '--json', env=env).text)['crypto']

    def hidden(self):
        """An environment in which the library is found and cannot be loaded: the loader takes the first file of that name."""
        self.write('libIPSec_MB.so.1', '')
        return {'LD_LIBRARY_PATH': self.dir}

    def need_ipsec_mb(self):
        if self.crypto() != 'ipsec-mb':
            self.skipTest('libipsec-mb is not there')

    def test_openssl_can_be_forced(self):
        self.assertEqual(self.crypto(OPENSSL), 'openssl')
        self.assertIn('crypto: openssl\n', self.bulla('version', env=OPENSSL).text)

    def test_one_reads_what_the_other_wrote(self):
        self.need_ipsec_mb()
        self.assertEqual(self.crypto(IPSEC_MB), 'ipsec-mb')
        self.people(40)
        self.bulla('apply', env=IPSEC_MB)
        self.bulla('verify', env=OPENSSL)
        self.sql("UPDATE people SET name = 'Kq00005z changed' WHERE id = 5")
        self.bulla('apply', env=OPENSSL)
        self.bulla('verify', env=IPSEC_MB)
        expected = self.bulla('export', 'people', env=OPENSSL).stdout
        self.assertEqual(self.bulla('export', 'people', env=IPSEC_MB).stdout, expected)
        for one, other in ((OPENSSL, IPSEC_MB), (IPSEC_MB, OPENSSL)):
            box = self.bulla('encrypt', stdin=b'a value', env=one).stdout
            self.assertEqual(self.bulla('decrypt', stdin=box, env=other).stdout, b'a value')

    def test_without_the_library_openssl_is_taken(self):
        self.model('  {}\n')
        env = self.hidden()
        self.assertEqual(self.crypto(env), 'openssl')
        box = self.bulla('encrypt', stdin=b'a value', env=env).stdout
        self.assertEqual(self.bulla('decrypt', stdin=box).stdout, b'a value')

    def test_one_that_is_forced_must_be_there(self):
        self.people(3)
        env = {**self.hidden(), **IPSEC_MB}
        with self.unchanged():
            for args in (('apply',), ('encrypt',), ('key', 'list'), ('status', '--json')):
                run = self.fails('config', *args, env=env)
                self.assertIn('ipsec-mb', run.words)
                self.assertIn('BULLA_CRYPTO', run.next)
            run = self.fails('config', 'apply', env={'BULLA_CRYPTO': 'libressl'})
            self.assertIn('no crypto back end is called "libressl"', run.words)
        self.assertIn('bulla', self.bulla('version', env=env, status=1).text)
        self.bulla('apply', env={'BULLA_CRYPTO': ''})


if __name__ == '__main__':
    harness.main()
