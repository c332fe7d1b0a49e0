# PostgreSQL over a Unix socket: initdb, backends, transactions, locks between sessions, crash recovery.
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
d=$(mktemp -d); chmod 755 "$d"; trap 'rm -rf "$d"' EXIT; cd "$d" || exit 1
mkdir data; chown nobody data; user() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
user "$bin/initdb" -D data -U nobody -A trust --no-sync >init.log 2>&1; echo "initdb $?"; [ -s data/PG_VERSION ] || tail -20 init.log
start() { user "$bin/pg_ctl" -D data -w -t 60 -l data/log -o "-k $d/data -c listen_addresses='' -c shared_buffers=16MB -c fsync=on -c autovacuum_naptime=1 $1" start >/dev/null; echo "start $?"; }
sql() { user psql -h "$d/data" -U nobody -d postgres -XAtq "$@"; }
start
sql -c 'create table t (id int primary key, v text)' -c "insert into t select g, 'v' || g from generate_series(1, 5000) g" -c 'select count(*), min(v), max(v) from t'
sql -c 'explain (costs off) select * from t where id = 7'
for n in 1 2 3 4; do for i in 1 2 3 4 5; do echo "update t set v = v || '.' where id = 1;"; done | sql & done; wait
sql -c 'select length(v) from t where id = 1'
sql -c 'create index on t (v)' -c 'vacuum analyze t' -c 'select sum(id) from t'
sql -c "set max_parallel_workers_per_gather = 2" -c 'set parallel_setup_cost = 0' -c 'set parallel_tuple_cost = 0' -c 'set min_parallel_table_scan_size = 0' -c 'select count(*) from t where id % 3 = 0'
sql -c 'listen n' -c '\! touch data/listens' -c '\! until [ -e sent ]; do sleep 0.02; done' -c 'select 1' | sed 's/PID [0-9]*/PID/' &
until [ -e data/listens ]; do sleep 0.02; done; sql -c "notify n, 'x'"; touch sent; wait
sql -c "copy t to stdout" | sort | md5sum
sql -c 'select 1/0' 2>&1
sql -c "set statement_timeout = 50" -c 'select pg_sleep(30)' 2>&1
user "$bin/pg_ctl" -D data -m immediate -w stop >/dev/null; echo "stop $?"
start; sql -c 'select count(*) from t'
user "$bin/pg_ctl" -D data -m fast -w stop >/dev/null; echo "stop $?"
grep -E 'FATAL|PANIC' data/log; grep -c 'automatic recovery' data/log
