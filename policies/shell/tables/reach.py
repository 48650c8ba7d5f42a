"""Programs that reach other machines, clusters, clouds and databases, and those that steer the machine itself."""

LINES = r"""
# -- the network
curl | read | curl |
wget, http, https, httpie, xh, curlie, aria2c, axel, lynx, links, w3m, elinks, youtube-dl, yt-dlp, ftp, lftp,
    tftp, ncftp, sftp, telnet, nc, ncat, netcat, socat, websocat, wscat, grpcurl, mosquitto_pub, nmap, masscan, dig,
    nslookup, host, drill, whois, ping, ping6, traceroute, tracepath, mtr, mail, mailx, mutt, sendmail, msmtp,
    swaks, ssmtp, s-nail, rclone, restic, borg, duplicity, azcopy, croc, magic-wormhole, wormhole, ngrok,
    cloudflared, localtunnel, lt, bore, tailscale, zerotier-cli, wg, wg-quick, openvpn, ssh-copy-id, ssh-add,
    ssh-agent, mosh, rsh, rlogin, rcp, scp, autossh, sshfs, openssl s_client, pbcopy, xclip, xsel, wl-copy,
    clip.exe, logger, wall, write, mesg, say, notify-send, terminal-notifier, slack, telegram-send, twilio, stripe,
    hf, huggingface-cli, kaggle, wandb, ollama, llm, aichat, claude, codex, gemini, aider, ipfs | outward | any |
    | reaches other machines or programs of the person
pbpaste | secrets | any | | reads what the person copied
openssl | unknown | any | | works with keys
openssl version, openssl dgst, openssl rand | read | files
    | -hmac=secrets -mac=secrets -sign=secrets -out=write -r -hex=read -base64=read -sha256=read
ssh-keygen, gpg, gpg2, age, sops, pass, op, bw, vault, security, secret-tool, keyring, kwallet-query, gopass,
    lpass, chamber, doppler, infisical, aws-vault, saml2aws, gcloud auth, step, certbot, mkcert, keytool, wallet,
    cast, solana-keygen, printenv, ssh-keyscan | secrets | any | | touches keys and passwords

# -- containers and clusters
docker, podman, nerdctl, colima, lima, minikube, kind, k3d, multipass, vagrant, virsh, qemu-img, buildah,
    skopeo, oras, crane, cosign, lxc, incus, systemd-nspawn, docker-compose, podman-compose | unknown | any
    | -H=unknown --host=unknown -c=unknown --context=unknown --config=unknown -l=value --log-level=value -f=script
      --file=script -p=value --project-name=value --project-directory=dir --env-file=unknown --profile=value
    | runs or changes containers and machines
docker ps, docker images, docker image ls, docker image list, docker image history, docker container ls, docker
    container list, docker volume ls, docker volume list, docker network ls, docker network list, docker network
    inspect, docker volume inspect, docker logs, docker stats, docker top, docker port, docker diff, docker version,
    docker info, docker system df, docker system info, docker search, docker history, docker context ls, docker
    context show, docker compose ps, docker compose ls, docker compose logs, docker compose images, docker compose
    top, docker compose port, docker compose version, docker buildx ls, docker buildx du, docker buildx version,
    docker container logs, docker container stats, docker container top, docker manifest inspect, docker events,
    docker wait, docker-compose ps, docker-compose logs, docker-compose images, docker-compose version,
    docker-compose top, podman ps, podman images, podman logs, podman version, podman info, podman stats, podman
    volume ls, podman network ls, nerdctl ps, nerdctl images, nerdctl logs, minikube status, minikube version,
    minikube profile list, kind get clusters, kind version, k3d cluster list, vagrant status, vagrant global-status,
    vagrant version, colima status, colima list, crane ls, crane manifest, crane digest, skopeo inspect, skopeo
    list-tags | read | text
    | -H=unknown --host=unknown -f=value --format=value --filter=value -n=value --tail=value --since=value
      --until=value
docker inspect, docker container inspect, docker image inspect, docker compose config, docker-compose config,
    podman inspect | read | text
    | -f=value --format=value -s=read --size=read
docker build, docker image build, docker buildx build, docker compose build, docker-compose build, podman build,
    docker compose up, docker compose start, docker compose stop, docker compose restart, docker compose create,
    docker compose pause, docker compose unpause, docker-compose up, docker-compose start, docker-compose stop,
    docker-compose restart, docker start, docker stop, docker restart | local | works
    | -f=script --file=script -t=value --tag=value --push=outward --output=unknown -o=unknown --secret=secrets
      --ssh=secrets --build-context=unknown --cache-to=unknown --cache-from=value --build-arg=value --target=value
      --platform=value --network=value --privileged=unknown --allow=unknown --env-file=unknown --progress=value
      -d=local --detach=local -V=destructive --renew-anon-volumes=destructive --force-recreate=local
      --remove-orphans=destructive --add-host=value --iidfile=write --metadata-file=write --label=value
docker compose down, docker-compose down | local | text
    | -v=destructive --volumes=destructive --rmi=destructive --remove-orphans=destructive -t=value --timeout=value
    | stops containers
docker exec, docker compose exec, docker-compose exec, podman exec, nerdctl exec, docker compose run,
    docker-compose run, docker run, docker container run, docker container exec, podman run | unknown | inner
    | -e=value --env=value --env-file=unknown -u=value --user=value -w=value --workdir=value -v=unknown
      --volume=unknown --mount=unknown --privileged=unknown --name=value -p=value --publish=value --network=value
      --entrypoint=unknown -h=value --hostname=value --index=value --pid=unknown --cap-add=unknown
      --device=unknown --security-opt=unknown --ipc=unknown --userns=unknown --volumes-from=unknown
      --platform=value --label=value -l=value --pull=value --memory=value -m=value --cpus=value
    | runs a command in a container
docker rm, docker rmi, docker container rm, docker container prune, docker image rm, docker image prune, docker
    volume rm, docker volume prune, docker network rm, docker network prune, docker system prune, docker builder
    prune, docker buildx prune, docker compose rm, docker compose kill, docker kill, docker container kill, docker
    swarm, docker stack, docker service, docker node, docker secret, docker config, docker plugin, docker trust,
    docker compose down -v, docker-compose rm, docker-compose kill, docker context rm, docker context use, docker
    update, docker rename, podman rm, podman rmi, podman system, podman volume rm, podman volume prune, minikube
    delete, kind delete, k3d cluster delete, vagrant destroy, colima delete, multipass delete, virsh destroy, virsh
    undefine | destructive | any | | stops or deletes containers, images or volumes
docker push, docker image push, docker compose push, docker manifest push, docker login, docker logout, docker
    pull, docker image pull, docker compose pull, docker compose publish, podman push, podman login, skopeo copy,
    crane push, crane copy, oras push, cosign sign | outward | any | | talks to an image registry
kubectl, oc, k, kustomize, k9s, kubectx, kubens, argocd, flux, istioctl, linkerd, velero, eksctl, kops, rancher,
    crossplane, kubeseal, kubeadm, k3s, microk8s, talosctl, helmfile, werf | outward | any
    | --kubeconfig=unknown --token=secrets -n=value --namespace=value --context=value --cluster=value
      --server=unknown -s=unknown --as=value --user=value --request-timeout=value -v=value | changes a cluster
kubectl get, kubectl describe, kubectl logs, kubectl top, kubectl explain, kubectl version, kubectl
    api-resources, kubectl api-versions, kubectl cluster-info, kubectl rollout status, kubectl rollout history,
    kubectl config current-context, kubectl config get-contexts, kubectl config view, kubectl auth can-i, kubectl
    auth whoami, kubectl diff, kubectl wait, kubectl events, kubectl options, kubectl kustomize, oc get, oc
    describe, oc logs, oc status, oc whoami, kustomize build, stern, argocd app list, argocd app get, argocd app
    diff, argocd app history, flux get, flux check, istioctl analyze, istioctl version, istioctl proxy-status,
    velero get, eksctl get, helmfile list, helmfile template, helmfile lint | read | cluster
    | --raw=unknown --kubeconfig=unknown --token=secrets -o=value --output=value -l=value --selector=value
      -n=value --namespace=value --context=value -f=value --filename=value --tail=value --since=value -c=value
      --container=value -t=unknown --show-token=secrets --enable-exec=unknown --enable-helm=unknown
      --helm-command=unknown
kubectl delete, kubectl drain, kubectl evict, kubectl replace --force, oc delete, kubectl scale, kubectl rollout
    undo, argocd app delete, flux delete, velero restore, velero backup delete, eksctl delete, kops delete, kubeadm
    reset, talosctl reset, helmfile destroy | destructive | any | | deletes or stops things in a cluster
kubectl exec, oc exec, kubectl debug, kubectl run, kubectl attach, kubectl cp, kubectl port-forward, kubectl
    proxy, oc rsh | outward | inner
    | -n=value --namespace=value -c=value --container=value -l=value --image=value --context=value
      --kubeconfig=unknown | runs a command in a cluster
helm | outward | any | --kubeconfig=unknown -n=value --namespace=value --kube-context=value | changes a cluster
helm list, helm ls, helm template, helm lint, helm show, helm repo list, helm status, helm history, helm get,
    helm search, helm version, helm env, helm dependency list, helm dep list, helm verify, helm diff, helm plugin
    list | read | works
    | --post-renderer=unknown -f=file --values=file --set=value --set-string=value --set-file=value
      --kubeconfig=unknown -n=value --namespace=value --output-dir=write --kube-context=value --repo=value
      --version=value -a=value --ca-file=file
helm dependency build, helm dependency update, helm dep build, helm dep update, helm package, helm create
    | local | works
    | -d=write --destination=write
helm uninstall, helm delete, helm rollback, helm un | destructive | any | | removes a release from a cluster
terraform, tofu, terragrunt, pulumi, cdktf, ansible, chef, puppet, salt, nomad, consul, boundary, waypoint,
    packer | outward | any
    | -chdir=dir | changes infrastructure
terraform plan, terraform validate, terraform fmt, terraform show, terraform state list, terraform providers,
    terraform version, terraform graph, terraform workspace list, terraform workspace show, terraform test, tofu
    plan, tofu validate, tofu fmt, tofu show, tofu state list, tofu version, tofu providers, terragrunt plan,
    terragrunt validate, terragrunt hclfmt, pulumi preview, pulumi stack ls, pulumi version, pulumi about, cdk diff,
    cdk ls, cdk list, cdk synth, cdk doctor, nomad status, nomad job status, nomad node status, nomad version,
    consul members, consul version, packer validate, packer fmt, packer inspect | read | works
    | -out=write -chdir=dir -var=value -var-file=value -target=value -generate-config-out=write -state=file
      -lock=value -input=value -parallelism=value -backend-config=unknown -plugin-dir=unknown --app=unknown
      -a=unknown --show-secrets=secrets
terraform show -json, tofu show -json | secrets | any | | shows every value of the state, secrets too
terraform destroy, terraform apply, terraform import, terraform taint, terraform untaint, terraform state rm,
    terraform state mv, terraform state push, terraform state replace-provider, terraform workspace delete,
    terraform force-unlock, tofu destroy, tofu apply, pulumi destroy, pulumi up, pulumi state, pulumi cancel,
    terragrunt destroy, terragrunt apply, cdk destroy, nomad job stop, nomad stop, nomad system gc
    | destructive | any | | changes or destroys infrastructure
terraform output, terraform console, terraform state show, terraform state pull, tofu output, pulumi config,
    pulumi stack output, terraform login | secrets | any | | shows values that may be secrets
aws | read | aws |
gcloud, az, oci, ibmcloud, aliyun, linode-cli, hcloud, scw, bq, gsutil, s3cmd, mc, flyctl, doctl, ovh,
    vultr-cli, exo, openstack, wrangler, eb, sam, copilot, cf | read | cloud

# -- databases
psql, mysql, mariadb, sqlite3, sqlite, duckdb, clickhouse-client, clickhouse, cockroach, sqlcmd, sqlplus, bq
    query, snowsql, trino, presto, usql, pgcli, mycli, litecli, cqlsh, influx, mongo, mongosh, redis-cli,
    valkey-cli, keydb-cli | read | sql
pg_dump, pg_dumpall, mysqldump, mariadb-dump, mongodump, mongoexport, sqlite3_analyzer | local | dump
    | -f=write --file=write -r=write --result-file=write -o=write --out=write --host=unknown -h=unknown -d=value
      --dbname=value -U=value --username=value -p=value --port=value -n=value -t=value -T=value --schema=value
      --table=value -F=value --format=value -s=read --schema-only=read -u=value --password=secrets
pg_isready, createdb, initdb, pg_ctl status, mysqladmin status, mysqladmin ping | local | text
    | -h=unknown --host=unknown
pg_restore, dropdb, dropuser, createuser, pg_ctl, pg_resetwal, pg_rewind, pg_basebackup, pg_upgrade, vacuumdb,
    reindexdb, mysqladmin, mysqlimport, mongorestore, mongoimport, mongofiles, redis-server, redis-benchmark,
    flyway, liquibase, sqitch, goose, dbmate, migrate, knex, sequelize, typeorm, rails, django-admin
    | destructive | any | | changes a database

# -- the machine
kill | local | kill |
pkill, killall, xkill, skill, snice, renice, taskkill | destructive | any | | ends processes
tmux list-windows, tmux list-sessions, tmux list-panes, tmux ls, tmux lsw, tmux lsp, tmux display-message, tmux
    display, tmux show-options, tmux has-session, tmux info, tmux list-keys, tmux list-clients, tmux -V, screen -ls,
    screen -list, zellij list-sessions | read | text
    | -L=unknown -S=unknown -f=unknown
tmux capture-pane | read | text | -p=read -t=value -S=value -E=value
tmux, screen, zellij, byobu | unknown | any | | steers other terminals
systemctl, service, launchctl, rc-service, sc, sv, supervisorctl, pm2, forever, monit, initctl, chkconfig,
    update-rc.d, rc-update, loginctl, timedatectl, hostnamectl, localectl, networksetup, scutil, defaults, pmset,
    systemsetup, csrutil, spctl, tccutil, nvram, plutil, sysctl, modprobe, insmod, rmmod, depmod, dkms,
    grub-install, update-grub, efibootmgr, mokutil, fwupdmgr, reboot, shutdown, halt, poweroff, init, telinit,
    mount, umount, swapon, swapoff, sync, eject, iptables, ip6tables, nft, ufw, firewall-cmd, pfctl, ip, ifconfig,
    ifup, ifdown, route, nmcli, iwconfig, ethtool, tc, brctl, useradd, userdel, usermod, adduser, deluser, groupadd,
    groupdel, groupmod, gpasswd, passwd, chpasswd, chsh, chfn, visudo, vipw, newgrp, sudoedit, dscl, pwpolicy,
    auditctl, setenforce, semanage, restorecon, apparmor_parser, crontab, at, batch, atrm, anacron, incrontab,
    systemd-run, systemd-tmpfiles, journalctl --vacuum-size, logrotate, history, fc, disown, stty, reset, setterm,
    loadkeys, xrandr, xset, gsettings, dconf, xdg-mime, xdg-settings, code-server, schtasks, reg, powershell, pwsh,
    cmd, cmd.exe, wmic, bcdedit, net, netsh, diskpart, format, cipher, icacls, takeown, attrib | destructive | any |
    | changes the machine or what it starts
systemctl status, systemctl list-units, systemctl list-unit-files, systemctl list-timers, systemctl is-active,
    systemctl is-enabled, systemctl show, systemctl cat, service --status-all, launchctl list, launchctl print,
    crontab -l, at -l, atq, pm2 list, pm2 ls, pm2 status, pm2 show, supervisorctl status, sysctl -a, sysctl -n, ip
    addr, ip a, ip route, ip link, ip -br, nmcli device, nmcli connection show, timedatectl status, hostnamectl
    status, loginctl list-sessions, defaults read, mount -l | read | text
    | -e=destructive -r=destructive -w=destructive --write=destructive -H=unknown --host=unknown -M=unknown
      --set=destructive
journalctl | read | text
    | --vacuum-size=destructive --vacuum-time=destructive --vacuum-files=destructive --rotate=destructive
      --flush=destructive --sync=local --update-catalog=destructive --setup-keys=secrets -D=value -u=value
      -n=value -S=value -o=value -p=value -t=value
gdb, lldb, strace, ltrace, dtrace, bpftrace, perf, valgrind, ptrace, script, expect, unbuffer, dbus-send,
    busctl, gdbus, xdotool, ydotool, osascript, automator, screencapture, scrot, import, arecord, fswebcam, ffplay
    | unknown | any | | watches or steers other programs
"""
