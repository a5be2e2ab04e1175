gradcli eval "x*2" x=1 --json --format csv
