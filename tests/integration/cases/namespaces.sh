# Namespaces by their programs: unshare, nsenter, findmnt and bwrap.
unshare -Urpf --mount-proc ps -o pid=,comm= | tr -s ' '
unshare -Ur sh -c 'id -u; id -g; cat /proc/self/uid_map /proc/self/setgroups'
unshare -u sh -c 'hostname inside; hostname'
unshare -m sh -c 'mount -t tmpfs -o size=8k,mode=700 t /mnt; findmnt -n -o TARGET,FSTYPE,OPTIONS /mnt | grep -o "size=8k"; ls -ld /mnt | cut -c1-10'
unshare -m --propagation slave sh -c 'mount --make-shared /proc; findmnt -n -o PROPAGATION /proc | cut -d, -f1'
unshare -pf sh -c 'echo $$; sh -c "kill -9 1"; sleep 30 & echo $!'
dir=$(mktemp -d)
mkfifo "$dir/ready" "$dir/go"
unshare -umpf --mount-proc sh -c "hostname there; echo \$\$ >$dir/ready; cat $dir/go" &
read -r inner <"$dir/ready"
outside=$(pgrep -P $!)
echo "init is $inner inside"
nsenter -t "$outside" -u hostname
nsenter -t "$outside" -m -p sh -c 'ps -o pid= -p 1 | tr -d " "'
echo done >"$dir/go"
wait
rm -r "$dir"
bwrap --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp --unshare-all sh -c \
    'id -u; ps -eo pid= | wc -l; touch /usr/x 2>&1 | grep -o "Read-only.*"; echo ok >/tmp/file; cat /tmp/file; ls /dev'
bwrap --ro-bind / / --unshare-all --uid 7 --gid 8 --hostname box sh -c 'id -u; id -g; hostname'
bwrap --ro-bind / / --unshare-all --die-with-parent true
echo "bwrap $?"
