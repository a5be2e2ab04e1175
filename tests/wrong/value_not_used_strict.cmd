gradcli eval "x*2" x=1 y=2 e=3 --strict
