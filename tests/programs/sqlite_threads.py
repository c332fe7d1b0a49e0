# sqlite3 from threads and processes: rollback journal and WAL with its shared memory, locks, vacuum.
import os, sqlite3, subprocess, sys, tempfile, threading

def writer(path, n):
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    for i in range(20):
        db.execute("begin immediate")
        db.execute("insert into t values (?, ?)", (n, i))
        db.execute("commit")
    db.close()

def run(path, mode):
    db = sqlite3.connect(path, timeout=60)
    print(db.execute(f"pragma journal_mode={mode}").fetchone(), db.execute("pragma mmap_size=1048576").fetchone())
    db.execute("create table t (a, b)")
    db.commit()
    threads = [threading.Thread(target=writer, args=(path, n)) for n in range(4)]
    [t.start() for t in threads]
    kids = [subprocess.Popen([sys.executable, __file__, path, str(n)]) for n in (10, 11)]
    [t.join() for t in threads]
    print([k.wait() for k in kids])
    print(db.execute("select a, count(*), sum(b) from t group by a order by a").fetchall())
    print(db.execute("pragma integrity_check").fetchall())
    db.execute("delete from t where a > 3")
    db.commit()
    db.execute("vacuum")
    print(db.execute("select count(*) from t").fetchall())
    other = sqlite3.connect(path, timeout=0)
    db.execute("begin exclusive")
    try:
        other.execute("begin immediate")
    except sqlite3.OperationalError as e:
        print(e)
    db.rollback()
    db.close(); other.close()
    print(sorted(os.listdir(os.path.dirname(path))))

if len(sys.argv) == 3:
    writer(sys.argv[1], int(sys.argv[2]))
else:
    with tempfile.TemporaryDirectory() as d:
        for mode in ("delete", "wal", "truncate"):
            os.mkdir(os.path.join(d, mode))
            run(os.path.join(d, mode, "db"), mode)
