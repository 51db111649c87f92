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
        for kind in ('--wrap', '--data', '--index', '--context'):
            self.assertRegex(done.stdout, r'\$ bulla rotate \w+ %s' % kind)
        for command in ('scan', 'plan', 'apply', 'verify', 'finish', 'status', 'search', 'get', 'key rotate', 'audit verify'):
            self.assertIn('$ bulla ' + command, done.stdout)
        self.assertIn('Where to go from here', done.stdout)
        models = json.loads(self.bulla('status', '--json', cwd=demo).stdout)['models']
        self.assertEqual([model['phase'] for model in models], ['finished', 'finished'])
        self.assertEqual([field['plaintext_left'] for model in models for field in model['fields'] if field['plaintext_left']], [])
        check = [sys.executable, os.path.join(harness.ROOT, 'tools', 'demo-check'), 'plaintext', os.path.join(demo, 'app.db'), ROWS]
        self.assertEqual(subprocess.run(check, stdout=subprocess.DEVNULL, check=False).returncode, 0)

    def test_a_directory_of_somebody_else_stays(self):
        os.mkdir(self.path('demo'))
        done = subprocess.run([os.path.join(harness.ROOT, 'tools', 'demo'), harness.settings['build'], ROWS],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=self.environment({'DEMO': self.path('demo')}), check=False)
        self.assertEqual((done.returncode, os.listdir(self.path('demo'))), (1, []))


if __name__ == '__main__':
    harness.main()
