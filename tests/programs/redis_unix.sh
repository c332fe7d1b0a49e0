# redis over a Unix socket: commands, pipelining, pub/sub, scripts, background save and rewrite.
d=$(mktemp -d); trap 'kill $pid 2>/dev/null; rm -rf "$d"' EXIT; cd "$d" || exit 1
redis-server --port 0 --unixsocket "$d/s" --dir "$d" --save "" --appendonly yes --logfile "$d/log" &
pid=$!
cli() { redis-cli -s "$d/s" "$@"; }
for _ in $(seq 200); do [ "$(cli ping 2>/dev/null)" == PONG ] && break; sleep 0.05; done
cli set a 1; cli incr a; cli lpush l x y z; cli lrange l 0 -1; cli hset h f v; cli type h
for i in $(seq 1000); do echo "set key$i value$i"; done | redis-cli -s "$d/s" | sort | uniq -c | sed 's/^ *//'
cli dbsize
cli eval 'return redis.call("get", KEYS[1])' 1 key7
cli expire key8 100; cli ttl key9; cli multi; cli get nothing
cli subscribe ch >sub & sub=$!
for _ in $(seq 200); do [ "$(cli publish ch message)" == 1 ] && break; sleep 0.05; done
for _ in $(seq 200); do grep -q '^message$' sub && break; sleep 0.05; done; kill $sub; wait $sub; tail -3 sub
cli bgsave; for _ in $(seq 200); do cli info persistence | grep -q 'rdb_bgsave_in_progress:0' && break; sleep 0.05; done
cli info persistence | tr -d '\r' | grep -E 'rdb_last_bgsave_status|aof_enabled'
cli bgrewriteaof; for _ in $(seq 200); do cli info persistence | grep -q 'aof_rewrite_in_progress:0' && break; sleep 0.05; done
cli info persistence | tr -d '\r' | grep aof_last_bgrewrite_status
redis-benchmark -s "$d/s" -q -n 2000 -c 10 -t set,get 2>&1 | tr '\r' '\n' | grep -c 'requests per second'
cli debug sleep 0; cli shutdown nosave; wait $pid; echo "exit $?"
grep -c 'Ready to accept connections\|connections at' log; ls
redis-server --port 0 --unixsocket "$d/s" --dir "$d" --appendonly yes --logfile "$d/log2" & pid=$!
for _ in $(seq 200); do [ "$(cli ping 2>/dev/null)" == PONG ] && break; sleep 0.05; done
cli get key1000; kill $pid; wait $pid; echo "exit $?"
