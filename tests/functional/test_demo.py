"""The demo, small: it ends well, its database is finished and holds no plaintext, and each command stands before its output."""
import json
import os
import subprocess
import sys

import harness

ROWS = '300'


class Demo(harness.Case):
    def test_from_beginning_to_end(self):
        demo = self.path('demo')
        done = subprocess.run([os.path.join(harness.ROOT, 'tools', 'demo'), harness.settings['build'], ROWS],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=self.environment({'DEMO': demo}), timeout=harness.LONG, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        for kind in ('--wrap', '--data', '--index', '--context', '--to local/next'):
            self.assertRegex(done.stdout, r'\$ bulla rotate \w+ %s' % kind)
        for command in ('scan', 'plan', 'apply', 'verify', 'finish', 'status', 'search', 'get', 'key rotate', 'audit verify',
                        'key census', 'shred patients 42', 'undo patients'):
            self.assertIn('$ bulla ' + command, done.stdout)
        self.assertIn('bulla: refused: the key is still referred to', done.stdout)
        self.assertIn('Next: nothing hangs from it: bulla key delete', done.stdout)
        self.assertIn('backups can bring it back until', done.stdout)
        self.assertIn('proof: 1 of its records was asked for again, and fails with key_destroyed', done.stdout)
        back = self.sql("SELECT count(name), sum(name = 'shredded') FROM patients", database=os.path.join(demo, 'undo.db'))
        self.assertEqual(back, [(50, 1)])
        self.assertIn('Where to go from here', done.stdout)
        models = json.loads(self.bulla('status', '--json', cwd=demo).stdout)['models']
        self.assertEqual([m['phase'] for m in models], ['finished', 'finished'])
        self.assertEqual([f['name'] for m in models for f in m['fields'] if f['plaintext_left']], [])
        tool = os.path.join(harness.ROOT, 'tools', 'demo-check')
        check = [sys.executable, tool, 'plaintext', os.path.join(demo, 'app.db'), ROWS]
        self.assertEqual(subprocess.run(check, stdout=subprocess.DEVNULL, check=False).returncode, 0)

    def test_a_directory_of_somebody_else_stays(self):
        os.mkdir(self.path('demo'))
        done = subprocess.run([os.path.join(harness.ROOT, 'tools', 'demo'), harness.settings['build'], ROWS],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=self.environment({'DEMO': self.path('demo')}), check=False)
        self.assertEqual((done.returncode, os.listdir(self.path('demo'))), (1, []))


if __name__ == '__main__':
    harness.main()
