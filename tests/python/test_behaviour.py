"""Every row of the table of behaviours, on petrel."""

import tempfile
import unittest

import behaviour
from petrel_host import Host


class Behaviour(unittest.TestCase):
    def test_every_row_ends_as_the_table_says(self):
        host = Host()
        self.addCleanup(host.close)
        directory = self.enterContext(tempfile.TemporaryDirectory())
        runner = behaviour.Runner("127.0.0.1", host.port, directory)
        self.addCleanup(runner.client.close)
        for path in sorted(behaviour.ROWS.glob("*.toml")):
            file = behaviour.File(path)
            runner.prepare(file)
            for i, row in enumerate(file.rows):
                with self.subTest(file=path.stem, row=row["name"]):
                    wanted, found = behaviour.expected(row), runner.run(file, i)
                    if not behaviour.same(found, wanted):
                        self.fail(f"\n{wanted} is expected\n{found}")

    def test_a_row_that_differs_says_why_and_what(self):
        for path in sorted(behaviour.ROWS.glob("*.toml")):
            for row in behaviour.File(path).rows:
                with self.subTest(file=path.stem, row=row["name"]):
                    self.assertEqual("differs" in row, "petrel" in row)


if __name__ == "__main__":
    unittest.main()
