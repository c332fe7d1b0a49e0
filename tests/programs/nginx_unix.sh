# nginx on a Unix socket: configuration test, files, ranges, 404, several workers, reload, logs.
d=$(mktemp -d); chmod 755 "$d"; trap 'kill $(cat "$d/pid" 2>/dev/null) 2>/dev/null; rm -rf "$d"' EXIT; cd "$d" || exit 1
mkdir www tmp; echo index > www/index.html; head -c 3000000 /dev/zero | tr '\0' x > www/big
cat > nginx.conf <<C
worker_processes 2; pid $d/pid; error_log $d/error.log; user root;
events { worker_connections 64; }
http {
    access_log $d/access.log; sendfile on; client_body_temp_path $d/tmp/a; proxy_temp_path $d/tmp/b;
    fastcgi_temp_path $d/tmp/c; uwsgi_temp_path $d/tmp/d; scgi_temp_path $d/tmp/e; gzip on; gzip_types *;
    server { listen unix:$d/s; root $d/www; location /proxy/ { proxy_pass http://unix:$d/s:/; } location /status { return 204; } }
}
C
nginx -t -c "$d/nginx.conf" 2>&1 | sed "s|$d||g" | grep -v '^$'
nginx -c "$d/nginx.conf"; echo "start $?"
get() { curl -s --max-time 20 --unix-socket "$d/s" -w '%{http_code} %{size_download}\n' "$@"; }
get http://x/ ; get -o /dev/null http://x/big; get -o /dev/null -r 100-199 http://x/big; get -o /dev/null http://x/none
get http://x/proxy/index.html; get -o /dev/null http://x/proxy/big; get http://x/status; get --compressed http://x/big | md5sum
for i in $(seq 20); do get -o /dev/null http://x/big & done | sort | uniq -c | sed 's/^ *//'; wait
nginx -c "$d/nginx.conf" -s reload 2>/dev/null; echo "reload $?"; get http://x/
kill -HUP "$(cat pid)"; nginx -c "$d/nginx.conf" -s reopen 2>/dev/null; get -o /dev/null http://x/big
nginx -c "$d/nginx.conf" -s quit 2>/dev/null; for _ in $(seq 200); do [ -e pid ] || break; sleep 0.05; done; ls
grep -E 'emerg|crit|alert' error.log | sed 's/^[^[]*//'; wc -l < access.log
