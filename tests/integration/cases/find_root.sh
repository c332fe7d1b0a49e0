# The host's root as the sandbox shows it. What changes by itself is left out.
find /usr/share /usr/lib /etc /opt -xdev 2>/dev/null | sort | md5sum
find / -xdev -maxdepth 2 -type d 2>/dev/null | grep -v -E '^/(proc|sys|dev|tmp|run|work|var|root|mnt|home)' | sort | md5sum
ls -d /etc /usr /bin
