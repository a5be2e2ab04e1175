gradcli eval --file .
