gradcli eval "x*2" x=1 --upstream [1,2]
