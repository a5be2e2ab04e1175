gradcli eval
