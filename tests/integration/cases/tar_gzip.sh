# tar and gzip of 2,000 files.
cd "$(mktemp -d)" || exit 1
mkdir -p src/{a,b,c,d}; for i in $(seq 1 500); do for d in a b c d; do echo "$d $i" > src/$d/$i; done; done
tar czf all.tgz src && mkdir out && tar xzf all.tgz -C out
diff -r src out/src && echo same
find out -type f | wc -l; tar tzf all.tgz | sort | tail -2; cat out/src/c/77
rm -rf src out; ls
