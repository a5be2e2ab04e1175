gradcli eval "x*2" x=1 -o nowhere/result.json
