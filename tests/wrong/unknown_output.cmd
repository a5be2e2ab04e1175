gradcli eval "loss = x*2" x=1 --output los
